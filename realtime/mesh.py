"""Pictures warped by a mesh of triangles: moved corners become a backward flow for every pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import Window

Flow = NDArray[np.float32]
Corners = NDArray[np.float32]

# Outside the face a warp dies away: points at this multiple of its oval stand still.
_RING = 1.45
_SHIFT = 4  # fractional bits of the corners handed to OpenCV
_FLAT = 1e-2  # twice a triangle's area, square pixels


def grid(window: Window) -> Flow:
    """x and y of every pixel of a window (rows, columns): float32 [h, w, 2]."""
    rows, columns = window
    y, x = np.mgrid[rows, columns].astype(np.float32)
    return np.dstack([x, y])


def still_ring(oval: Corners) -> Corners:
    """Points [N, 2] around a face's oval [N, 2] that stand still however the face moves."""
    centre = oval.mean(0)
    return np.asarray(centre + _RING * (oval - centre), np.float32)


def painted(corners: Corners, window: Window) -> NDArray[np.uint16]:
    """1 + number of the triangle, of corners [T, 3, 2], at every pixel, 0 where there is none:
    uint16 [h, w]."""
    rows, columns = window
    ids = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint16)
    offset = np.array([columns.start, rows.start], np.float32)
    fixed = np.round((corners - offset) * (1 << _SHIFT)).astype(np.int32)
    size = np.array(ids.shape[::-1]) << _SHIFT
    touching = ((fixed.max(1) >= 0) & (fixed.min(1) <= size)).all(1)
    for number in np.flatnonzero(touching):
        cv2.fillConvexPoly(ids, fixed[number], int(number) + 1, shift=_SHIFT)
    return ids


def filled(ids: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The ids with the specks closed that a triangle thinner than a pixel may leave."""
    return np.asarray(cv2.morphologyEx(ids, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))


def flow(before: Corners, after: Corners, ids: NDArray[np.uint16], places: Flow) -> Flow:
    """Where each pixel came from, relative to where it is: float32 [h, w, 2], 0 where id is 0.

    before, after: corners [T, 3, 2] of the triangles that `ids` [h, w] counts; places: the pixels'.
    """
    affine = np.zeros((len(before) + 1, 2, 3), np.float32)
    affine[1:] = _steps(before, after)
    each = affine[ids]
    x, y = places[..., :1], places[..., 1:]
    return np.asarray(each[..., 0] * x + each[..., 1] * y + each[..., 2])


def _steps(before: Corners, after: Corners) -> NDArray[np.float32]:
    """Per triangle the affine map p -> flow(p) that takes `after` back to `before`: [T, 2, 3]."""
    edges = (after[:, 1:] - after[:, :1]).astype(np.float64)
    sources = (before[:, 1:] - before[:, :1]).astype(np.float64)
    determinant = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    flat = np.abs(determinant) < _FLAT  # it covers no pixel that matters, and goes with a corner
    determinant = np.where(flat, 1, determinant)
    inverse = np.stack(
        [
            np.stack([edges[:, 1, 1], -edges[:, 0, 1]], 1),
            np.stack([-edges[:, 1, 0], edges[:, 0, 0]], 1),
        ],
        1,
    )
    linear = (inverse / determinant[:, None, None]) @ sources  # rows: d source / d x, d y
    linear = np.where(flat[:, None, None], 0, linear.transpose(0, 2, 1) - np.eye(2))
    shift = (before[:, 0] - after[:, 0]) - np.einsum("kij,kj->ki", linear, after[:, 0])
    return np.concatenate([linear, shift[..., None]], 2).astype(np.float32)
