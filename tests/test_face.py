"""Landmarks: the canonical crop, polygons, lips and lids that move."""

from __future__ import annotations

import numpy as np
import pytest

from realtime import face
from realtime.regions import Region
from tests.faces import drawn_face

WHOLE = (slice(0, 256), slice(0, 256))


@pytest.mark.parametrize("degrees", [-20, 0, 35])
def test_the_crop_undoes_place_size_and_roll(degrees: float) -> None:
    points = drawn_face()
    turn = np.deg2rad(degrees)
    spin = 1.7 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = (points @ spin.T + (300, -40)).astype(np.float32)
    back = face.transform(face.crop_matrix(moved), moved)
    assert np.abs(back - points).max() < 1e-2
    left, right = face.eye_centres(back)
    assert right[0] - left[0] == pytest.approx(face.EYE_DISTANCE, abs=1e-2)
    assert left[1] == pytest.approx(face.EYE_HEIGHT, abs=1e-2)


def test_closing_the_lips_leaves_no_gap_and_keeps_the_corners() -> None:
    opened = drawn_face(gap=12)
    closed = face.close_lips(opened)
    assert face.lip_gap(opened) == pytest.approx(12)
    assert face.lip_gap(closed) == pytest.approx(0, abs=1e-4)
    assert np.array_equal(closed[[61, 291]], opened[[61, 291]])


def test_moved_lips_never_cross() -> None:
    rest = drawn_face()
    motion = np.zeros((face.LANDMARKS, 2), np.float32)
    motion[list(face.INNER_UPPER_LIP), 1] = 0.1
    moved = face.move_lips(rest, motion)
    gaps = moved[list(face.INNER_LOWER_LIP), 1] - moved[list(face.INNER_UPPER_LIP), 1]
    assert gaps.min() >= -1e-4


def test_the_jaw_drops_by_what_the_chin_falls() -> None:
    rest = drawn_face()
    moved = rest.copy()
    moved[list(face.CHIN), 1] += 9
    assert face.jaw_drop(moved, rest) == pytest.approx(9)


def test_shut_eyes_have_almost_no_opening_and_half_shut_ones_half() -> None:
    points = drawn_face()
    areas = [
        sum(face.coverage(p, WHOLE).sum() for p in face.eye_polygons(face.close_eyes(points, a)))
        for a in (0.0, 0.5, 1.0)
    ]
    assert areas[0] > 300
    assert areas[1] == pytest.approx(areas[0] / 2, rel=0.15)
    assert areas[2] < 0.15 * areas[0]


def test_coverage_measures_area_to_a_fraction_of_a_pixel() -> None:
    square = np.array([[10.25, 20.5], [30.75, 20.5], [30.75, 33.0], [10.25, 33.0]], np.float32)
    share = face.coverage(square, WHOLE)
    assert share.sum() == pytest.approx(20.5 * 12.5, rel=0.04)
    assert share[26, 20] == 1
    assert share[26, 40] == 0
    window = (slice(16, 64), slice(0, 48))
    assert np.abs(face.coverage(square, window) - share[window]).max() < 0.02


def test_an_overlay_keeps_the_sum_over_regions() -> None:
    mask = np.zeros((12, 4, 4), np.float32)
    mask[Region.SKIN] = 1
    face.overlay(mask, Region.MOUTH, np.full((4, 4), 0.25, np.float32))
    assert np.allclose(mask.sum(0), 1)
    assert np.allclose(mask[Region.MOUTH], 0.25)
