"""A face as a mesh of triangles: moved landmarks become a backward flow for every pixel."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from mediapipe.tasks.python.vision import FaceLandmarksConnections
from numpy.typing import NDArray

from realtime.face import LANDMARKS, OVAL, Points, Window

Flow = NDArray[np.float32]

# Outside the face the warp dies away: points at this multiple of the oval stand still.
_RING = 1.45
# Triangles whose corners all move less than this many pixels are left where they are.
_STILL = 0.01
# Fractional bits of the corners handed to OpenCV, and how far ids grow into a tear, in pixels.
_SHIFT, _GROWTH = 4, 3


def sample(
    picture: NDArray[np.uint8], flow: Flow, window: Window, *, nearest: bool = False
) -> NDArray[np.uint8]:
    """The picture uint8 [256, 256, ...] seen through the window's flow: uint8 [h, w, ...]."""
    x, y = _grid(window)
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    seen = cv2.remap(
        picture, x + flow[..., 0], y + flow[..., 1], how, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(seen, np.uint8)


@cache
def triangles() -> NDArray[np.int64]:
    """Corner numbers int64 [T, 3] of the face's triangles and of the strip around the oval.

    MediaPipe's tessellation lists the three sides of every triangle in turn; mouth and eyes are
    holes in it. Numbers from 478 on are the still ring's, in the order of the oval.
    """
    sides = FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION
    starts = np.array([side.start for side in sides], np.int64).reshape(-1, 3)
    here = np.array(OVAL, np.int64)
    there = np.roll(here, -1)
    ring = LANDMARKS + np.arange(len(OVAL))
    ring_next = np.roll(ring, -1)
    strip = [np.stack([here, there, ring], 1), np.stack([there, ring_next, ring], 1)]
    return np.concatenate([starts, *strip])


def backward_flow(rest: Points, moved: Points, holes: NDArray[np.float32], window: Window) -> Flow:
    """Where each pixel of the window came from when `rest` moved to `moved`: float32 [h, w, 2].

    holes float32 [h, w] is the share of every pixel that lies in the moved mouth and eyes; there
    the flow goes on a little from the rim, so that soft edges have a colour, and is 0 farther in.
    """
    oval = rest[list(OVAL)]
    ring = oval.mean(0) + _RING * (oval - oval.mean(0))
    before, after = np.concatenate([rest, ring]), np.concatenate([moved, ring])
    chosen = _moving(before, after, window)
    ids = _paint(after[chosen], window)
    # A triangle thinner than a pixel may leave a speck: closing fills it from its neighbours.
    closed = cv2.morphologyEx(ids, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    grown = cv2.dilate(ids, np.ones((2 * _GROWTH + 1, 2 * _GROWTH + 1), np.uint8))
    ids = np.where(ids > 0, ids, np.where(holes > 0, grown, closed))
    affine = np.zeros((len(chosen) + 1, 2, 3), np.float32)
    affine[1:] = _affine_steps(before[chosen], after[chosen])
    x, y = _grid(window)
    each = affine[ids]
    return np.asarray(each[..., 0] * x[..., None] + each[..., 1] * y[..., None] + each[..., 2])


def _grid(window: Window) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of every pixel of the window, each float32 [h, w]."""
    rows, columns = window
    y, x = np.mgrid[rows, columns].astype(np.float32)
    return x, y


def _moving(before: Points, after: Points, window: Window) -> NDArray[np.int64]:
    """The triangles [K, 3] that move and touch the window."""
    corners = triangles()
    moves = (np.abs(after - before).max(1) > _STILL)[corners].any(1)
    low, high = after[corners].min(1), after[corners].max(1)
    rows, columns = window
    start, stop = np.array([columns.start, rows.start]), np.array([columns.stop, rows.stop])
    return np.asarray(corners[moves & ((high >= start - 1) & (low <= stop)).all(1)], np.int64)


def _paint(corners: NDArray[np.float32], window: Window) -> NDArray[np.uint16]:
    """1 + number of the triangle at every pixel, 0 where there is none: uint16 [h, w]."""
    rows, columns = window
    ids = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint16)
    offset = np.array([columns.start, rows.start], np.float32)
    fixed = np.round((corners - offset) * (1 << _SHIFT)).astype(np.int32)
    for number, triangle in enumerate(fixed, 1):
        cv2.fillConvexPoly(ids, triangle, number, shift=_SHIFT)
    return ids


def _affine_steps(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per triangle the affine map p -> flow(p) that takes `after` back to `before`: [K, 2, 3]."""
    edges = (after[:, 1:] - after[:, :1]).astype(np.float64)
    sources = (before[:, 1:] - before[:, :1]).astype(np.float64)
    determinant = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    # A triangle folded flat covers no pixel that matters; keep its map finite.
    determinant = np.where(np.abs(determinant) < 1e-2, 1e-2, determinant)
    inverse = np.stack(
        [
            np.stack([edges[:, 1, 1], -edges[:, 0, 1]], 1),
            np.stack([-edges[:, 1, 0], edges[:, 0, 0]], 1),
        ],
        1,
    )
    linear = (inverse / determinant[:, None, None]) @ sources  # rows: d source / d x, d y
    linear = linear.transpose(0, 2, 1) - np.eye(2)
    shift = (before[:, 0] - after[:, 0]) - np.einsum("kij,kj->ki", linear, after[:, 0])
    return np.concatenate([linear, shift[..., None]], 2).astype(np.float32)
