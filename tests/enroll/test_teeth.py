from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.enroll.teeth import with_own_teeth
from realtime.face import close_lips, coverage, lip_polygons
from realtime.mouth_plate import MouthPlate, default_denture, fit_denture
from realtime.regions import Region
from tests.faces import drawn_face

TEETH, SKIN, DARK, TONGUE = (225, 215, 200), (190, 140, 120), (60, 20, 25), (150, 70, 75)
WHOLE = (slice(0, 256), slice(0, 256))


def smile(gap: float, colour: tuple[int, int, int]) -> tuple[NDArray[np.uint8], MouthPlate]:
    """A crop with one colour between its lips, and the default plate of its face."""
    points = drawn_face(gap)
    inside = coverage(lip_polygons(points)[Region.MOUTH], WHOLE)[..., None]
    crop = np.asarray(inside * colour + (1 - inside) * SKIN, np.uint8)
    closed = close_lips(points)
    return crop, fit_denture(default_denture(), closed, np.ones(3, np.float32))


def test_teeth_that_show_are_kept_where_they_are() -> None:
    crop, plate = smile(14, TEETH)
    own = with_own_teeth(plate, crop, drawn_face(14))
    np.testing.assert_array_equal(own.upper[176, 128], (*TEETH, 255))
    assert own.upper[150, 128, 3] == 0, "the lip above is not part of it"
    np.testing.assert_array_equal(own.lower, plate.lower)
    shown = own.compose(WHOLE, 0.0)
    np.testing.assert_allclose(shown[176, 128], np.array(TEETH) / 255, atol=0.01)


@pytest.mark.parametrize(("gap", "colour"), [(0, TEETH), (2, TEETH), (14, DARK), (14, TONGUE)])
def test_else_the_default_denture_stays(gap: float, colour: tuple[int, int, int]) -> None:
    crop, plate = smile(gap, colour)
    if colour == DARK:
        crop[174:179, 126:131] = TEETH  # the tips of two teeth
    assert with_own_teeth(plate, crop, drawn_face(gap)) is plate
