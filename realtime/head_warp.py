"""A head that turns a few degrees inside a still photograph: one smooth warp of its pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import OVAL, Points, between_eyes
from realtime.head_pose import HeadPose
from realtime.view import View, face_height

Field = NDArray[np.float32]

# Fields are smooth, so they are kept on a grid of this many frame pixels.
STEP = 8
# The pose for which the moving box is measured: more than a head held aside, with idle life.
_LARGEST_POSE = HeadPose(16.0, 14.0, 14.0, 0.25, 0.18, 1.0)
_STILL = 0.05  # frame pixels nobody sees
_CHEEKBONES = (234, 454)  # their depth is the axis about which the head turns
# In face heights: how far each landmark's depth reaches, the ring of the hair's outline beyond
# the oval, the pivot of roll below the chin, and how far shoulders rise with a breath.
_DEPTH_REACH, _OUTLINE, _PIVOT_BELOW, _BREATH_RISE = 0.09, 1.5, 0.25, 0.014
_HEAD_RISE = 0.35  # of the shoulders' rise
# Elliptical radii, the oval being 1: the head moves whole up to the first, not beyond the second.
_WHOLE, _STILL_BEYOND = 1.25, 2.4


class HeadWarp:
    """Displacement fields of the six numbers of a HeadPose, for one view.

    box: rows and columns of the frame that ever move, aligned to the grid. whole: float32
    [6, rows, columns, 2], where a place of the frame is fetched for one unit of each number.
    """

    def __init__(self, view: View) -> None:
        fields = _fields(view)
        moving = np.abs(fields * np.abs(_LARGEST_POSE.as_vector())[:, None, None, None])
        rows, columns = np.nonzero(moving.sum(0).max(-1) > _STILL)
        width, height = view.size
        cells = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        self.box = (
            slice(cells[0].start * STEP, min(cells[0].stop * STEP, height)),
            slice(cells[1].start * STEP, min(cells[1].stop * STEP, width)),
        )
        cut = -fields[(slice(None), *cells)]
        self._cells = cut.shape[1:3]
        self.whole = np.zeros_like(fields)
        self.whole[(slice(None), *cells)] = cut
        self._flat = np.ascontiguousarray(cut.reshape(len(cut), -1))

    def grid(self, pose: HeadPose) -> Field:
        """Where a place of `box` is fetched relative to where it is shown, in frame pixels, on a
        coarse grid: float32 [rows, columns, 2]."""
        return np.asarray((pose.as_vector() @ self._flat).reshape(*self._cells, 2), np.float32)

    def everywhere(self, grid: Field) -> Field:
        """What is known on the grid for each pixel of `box`: float32 [h, w, 2]."""
        full = cv2.resize(grid, (self._cells[1] * STEP, self._cells[0] * STEP))
        rows, columns = self.box
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return np.asarray(full[:height, :width], np.float32)


def _fields(view: View) -> Field:
    """Frame pixels a pixel moves for one unit of each number: float32 [6, rows, columns, 2]."""
    width, height = view.size
    points = (view.points - np.array([*view.origin, 0], np.float32)) / np.float32(view.scale)
    x = (np.arange(-(-width // STEP), dtype=np.float32) + 0.5) * STEP - 0.5
    y = (np.arange(-(-height // STEP), dtype=np.float32) + 0.5) * STEP - 0.5
    grid = np.dstack(np.meshgrid(x, y))
    face = face_height(points)
    apart = between_eyes(points)
    degree = np.float32(np.pi / 180)

    head = _head_weight(points, grid)
    depth = _depth(points, grid)
    pivot = points[152, :2] + np.array([0, _PIVOT_BELOW * face], np.float32)
    breath = -_BREATH_RISE * face * (_body_weight(view, points, grid) + _HEAD_RISE * head)
    around = (grid - pivot) * head[..., None] * degree
    fields = np.zeros((6, *grid.shape), np.float32)
    fields[0, ..., 0] = depth * degree
    fields[1, ..., 1] = depth * degree
    fields[2] = np.dstack([-around[..., 1], around[..., 0]])
    fields[3, ..., 0] = head * apart
    fields[4, ..., 1] = head * apart
    fields[5, ..., 1] = breath
    return fields


def _smoothstep(low: float, high: float, value: Field) -> Field:
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _oval_frame(points: Points) -> tuple[Field, Field]:
    """Centre and half axes of the face oval, float32 [2] each."""
    oval = points[list(OVAL), :2]
    low, high = oval.min(0), oval.max(0)
    return (low + high) / 2, (high - low) / 2


def _head_weight(points: Points, grid: Field) -> Field:
    centre, half = _oval_frame(points)
    radius = np.linalg.norm((grid - centre) / half, axis=-1)
    return 1 - _smoothstep(_WHOLE, _STILL_BEYOND, radius)


def _body_weight(view: View, points: Points, grid: Field) -> Field:
    """1 on the shoulders, 0 above the chin and beside the body."""
    centre, half = _oval_frame(points)
    below = _smoothstep(1.0, 1.9, (grid[..., 1] - centre[1]) / half[1])
    place = grid * np.float32(view.scale) + np.array(view.origin, np.float32)
    sigma = 0.12 * face_height(view.points)
    matte = cv2.GaussianBlur(view.picture[..., 3], (0, 0), sigma).astype(np.float32)
    return below * cv2.remap(matte / np.float32(255), place, None, cv2.INTER_LINEAR)


def _depth(points: Points, grid: Field) -> Field:
    """Frame pixels before the turning axis: landmarks inside, zero on the hair's outline.

    Every landmark speaks for its surroundings with a Gaussian weight, and a faint zero everywhere
    lets the field run out where none is near.
    """
    centre, _ = _oval_frame(points)
    axis = points[list(_CHEEKBONES), 2].mean()
    outline = centre + _OUTLINE * (points[list(OVAL), :2] - centre)
    places = np.vstack([points[:, :2], outline])
    depths = np.append(np.maximum(axis - points[:, 2], 0), np.zeros(len(outline)))
    reach = _DEPTH_REACH * face_height(points)
    away = ((grid[:, :, None] - places) ** 2).sum(-1)
    weights = np.exp(-away / (2 * reach * reach))
    return np.asarray(weights @ depths / (weights.sum(-1) + 0.3), np.float32)
