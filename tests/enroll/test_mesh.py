"""The mesh: flows are exact for affine motion, still outside, and torn at the lips."""

from __future__ import annotations

import numpy as np

from realtime.enroll.mesh import backward_flow, sample, triangles
from realtime.face import INNER_LOWER_LIP, OUTER_LOWER_LIP, OVAL, Points, Window
from tests.faces import drawn_face

WHOLE: Window = (slice(0, 256), slice(0, 256))
NO_HOLES = np.zeros((256, 256), np.float32)


def moved_by(points: Points, numbers: tuple[int, ...], x: float, y: float) -> Points:
    moved = points.copy()
    moved[list(numbers)] += np.array([x, y], np.float32)
    return moved


def test_a_still_face_does_not_flow() -> None:
    points = drawn_face()
    assert not backward_flow(points, points, NO_HOLES, WHOLE).any()


def test_a_shift_flows_back_by_the_shift() -> None:
    points = drawn_face()
    flow = backward_flow(points, points + np.array([3, -2], np.float32), NO_HOLES, WHOLE)
    # On the jaw, away from eyes and mouth, whose holes hold no triangle.
    np.testing.assert_allclose(flow[205:215, 115:140], [[[-3, 2]] * 25] * 10, atol=1e-3)


def test_beyond_the_ring_nothing_moves() -> None:
    points = drawn_face()
    flow = backward_flow(points, moved_by(points, OVAL, 6, 4), NO_HOLES, WHOLE)
    assert np.abs(flow).max() > 3
    assert not flow[:4, :4].any()


def test_the_window_is_a_cut_of_the_whole() -> None:
    points = drawn_face()
    moved = moved_by(points, OUTER_LOWER_LIP + INNER_LOWER_LIP, 0, 8)
    window = (slice(96, 256), slice(48, 208))
    whole = backward_flow(points, moved, NO_HOLES, WHOLE)
    cut = backward_flow(points, moved, NO_HOLES[window], window)
    np.testing.assert_allclose(cut, whole[window], atol=1e-4)


def test_sampling_follows_the_flow() -> None:
    picture = np.arange(256, dtype=np.uint8)[None, :].repeat(256, 0)
    window = (slice(10, 20), slice(100, 120))
    flow = np.zeros((10, 20, 2), np.float32)
    flow[..., 0] = 5
    np.testing.assert_array_equal(sample(picture, flow, window), picture[10:20, 105:125])


def test_triangles_leave_mouth_and_eyes_open() -> None:
    corners = {frozenset(triangle) for triangle in triangles().tolist()}
    assert len(corners) == 852 + 2 * len(OVAL)
    assert not any({13, 14} <= triangle or {159, 145} <= triangle for triangle in corners)
