"""Open mouths are painted over with lips; shut ones stay as they are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.sealed import is_wide_open, sealed
from realtime.face import CROP, EYE_DISTANCE, Points, lip_polygons
from realtime.regions import Region
from tests.faces import drawn_face

SKIN, LIP, TEETH = (200, 160, 140), (170, 80, 80), (245, 245, 240)


def drawn_smile(points: Points) -> NDArray[np.uint8]:
    picture = np.full((CROP, CROP, 3), SKIN, np.uint8)
    for region, outline in lip_polygons(points).items():
        colour = TEETH if region == Region.MOUTH else LIP
        cv2.fillPoly(picture, [np.round(outline).astype(np.int32)], colour)
    return picture


def test_between_open_lips_there_are_no_teeth_but_a_dark_seam() -> None:
    points = drawn_face(20.0)
    smile = drawn_smile(points)
    shut = sealed(smile, points)
    teeth = (smile == TEETH).all(2)
    assert teeth.sum() > 500
    assert (shut[teeth] <= np.array(SKIN)).all()
    middle = shut[176, 128]
    np.testing.assert_allclose(middle, 0.45 * np.array(LIP), atol=4)
    # Beyond the opening's rim the portrait is as it was.
    beyond = ~cv2.dilate(teeth.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    np.testing.assert_array_equal(shut[beyond], smile[beyond])


def test_lips_that_touch_stay_as_they_are() -> None:
    points = drawn_face(1.0)
    smile = drawn_smile(points)
    assert sealed(smile, points) is smile


def test_a_mouth_half_as_far_open_as_eyes_are_apart_is_wide_open() -> None:
    assert not is_wide_open(drawn_face(0.4 * EYE_DISTANCE))
    assert is_wide_open(drawn_face(0.6 * EYE_DISTANCE))
