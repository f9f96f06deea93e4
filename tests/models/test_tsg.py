"""The first mask: what moves with the landmarks, what stays, and that it stays a mask."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.face import (
    CHIN,
    EYE_WINDOWS,
    MOUTH_WINDOW,
    OVAL,
    Points,
    Window,
    close_eyes,
    coverage,
    lip_polygons,
)
from realtime.models.tsg import Mask, RestingMask
from realtime.regions import REGIONS, Region
from tests.faces import drawn_face

WHOLE = (slice(0, 256), slice(0, 256))


def resting() -> tuple[Mask, Points]:
    """A face on a body: soft one-hot [12, 256, 256] and its points."""
    points = drawn_face()
    mask = np.zeros((REGIONS, 256, 256), np.float32)
    face = coverage(points[list(OVAL)], WHOLE)
    mask[Region.SKIN], mask[Region.BODY] = face, 1 - face
    for region, polygon in lip_polygons(points).items():
        share = coverage(polygon, WHOLE)
        mask *= 1 - share
        mask[region] += share
    return mask, points


@pytest.mark.parametrize("window", [MOUTH_WINDOW, EYE_WINDOWS[0]], ids=["mouth", "eye"])
def test_every_pixel_keeps_one_whole_region(window: Window) -> None:
    mask, points = resting()
    moved = close_eyes(drawn_face(gap=17.0), 0.5)
    made = RestingMask(mask, points, window).moved(moved)
    assert made.dtype == np.float32
    assert made.shape[1:] == (
        window[0].stop - window[0].start,
        window[1].stop - window[1].start,
    )
    np.testing.assert_allclose(made.sum(0), 1, atol=1e-5)
    assert made.min() >= -1e-6


def test_the_opening_has_the_polygons_area() -> None:
    mask, points = resting()
    moved = drawn_face(gap=17.3)
    made = RestingMask(mask, points, MOUTH_WINDOW).moved(moved)
    polygon = lip_polygons(moved)[Region.MOUTH].astype(np.float64)
    x, y = polygon.T
    area = abs((x * np.roll(y, 1) - y * np.roll(x, 1)).sum()) / 2
    assert made[Region.MOUTH].sum() == pytest.approx(area, rel=0.04)


def test_closed_lips_show_no_more_than_their_seam() -> None:
    mask, points = resting()
    opened = drawn_face(gap=17.0)
    mask[:] = 0
    mask[Region.MOUTH] = 1
    made = RestingMask(mask, opened, MOUTH_WINDOW).moved(points)
    assert made[Region.MOUTH].max() < 0.3


def test_the_chin_takes_the_skin_along() -> None:
    mask, points = resting()
    moved = points.copy()
    moved[list(CHIN), 1] += 10
    below = (slice(None), int(points[152, 1]) + 4 - 96, 128 - 48)
    assert RestingMask(mask, points, MOUTH_WINDOW).moved(points)[below][Region.BODY] == 1
    assert RestingMask(mask, points, MOUTH_WINDOW).moved(moved)[below][Region.SKIN] == 1
    above = (slice(None), int(points[152, 1]) - 4 - 96, 128 - 48)
    moved[list(CHIN), 1] -= 20
    assert RestingMask(mask, points, MOUTH_WINDOW).moved(moved)[above][Region.BODY] == 1


def test_shutting_eyes_leaves_skin() -> None:
    mask, points = resting()
    opened = RestingMask(mask, points, EYE_WINDOWS[0]).moved(points)[Region.EYES].sum()
    shut = (
        RestingMask(mask, points, EYE_WINDOWS[0]).moved(close_eyes(points, 1.0))[Region.EYES].sum()
    )
    assert opened > 50
    assert shut < 0.1 * opened


def test_the_resting_mask_is_not_written_to() -> None:
    mask, points = resting()
    before = mask.copy()
    RestingMask(mask, points, MOUTH_WINDOW).moved(drawn_face(gap=9.0))
    np.testing.assert_array_equal(mask, before)
