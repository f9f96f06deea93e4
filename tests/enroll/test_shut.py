"""Photographs of open mouths are shut; those of shut ones stay as they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.enroll.shut import shut_mouth
from realtime.face import (
    CROP,
    EYE_DISTANCE,
    Points,
    close_lips,
    crop_matrix,
    lip_gap,
    lip_polygons,
    move_lips,
    transform,
)
from realtime.models.networks import Networks
from realtime.models.weights import load_weights
from realtime.regions import Region
from tests.enroll.shipped import shipped

SKIN, LIP, TEETH = (200, 160, 140), (170, 80, 80), (245, 245, 240)


@pytest.fixture(scope="module")
def parting() -> NDArray[np.float32]:
    lips = Networks.restore(load_weights()).lips
    return np.asarray(lips.landmarks(lips.parting()).numpy())


def resting() -> Points:
    """Canonical points of a face whose lips touch: [478, 2]."""
    points = shipped("ava").points
    return close_lips(transform(crop_matrix(points), points))


def talking(gap: float, parting: NDArray[np.float32]) -> Points:
    """The same whose mouth speech has opened, in eye distances: [478, 3]."""
    return np.pad(move_lips(resting(), gap * parting), ((0, 0), (0, 1)))


def photograph(points: Points) -> NDArray[np.uint8]:
    picture = np.full((CROP, CROP, 3), SKIN, np.uint8)
    for region, outline in lip_polygons(points).items():
        colour = TEETH if region == Region.MOUTH else LIP
        cv2.fillPoly(picture, [np.round(outline).astype(np.int32)], colour)
    return picture


def test_speech_parts_lips_by_what_is_asked(parting: NDArray[np.float32]) -> None:
    assert lip_gap(parting) == pytest.approx(1, abs=1e-4)
    assert parting[152, 1] > 0.3, "the chin goes down"


@pytest.mark.parametrize("gap", [0.1, 0.2, 0.4])
def test_what_speech_opened_is_shut_and_shows_no_teeth(
    gap: float, parting: NDArray[np.float32]
) -> None:
    opened = talking(gap, parting)
    shown = photograph(opened)
    shut, points = shut_mouth(shown, opened, parting)
    assert lip_gap(opened) == pytest.approx(gap * EYE_DISTANCE, abs=0.1)
    assert abs(lip_gap(points)) < 0.1
    np.testing.assert_allclose(points[:, :2], resting(), atol=1.0)
    assert (shown == TEETH).all(2).sum() > 100
    assert (np.abs(shut.astype(int) - TEETH).max(2) < 30).sum() < 20
    np.testing.assert_array_equal(shut[:60], shown[:60])


def test_lips_that_touch_stay_as_they_are(parting: NDArray[np.float32]) -> None:
    points = talking(0.01, parting)
    shown = photograph(points)
    picture, same = shut_mouth(shown, points, parting)
    assert picture is shown
    assert same is points
