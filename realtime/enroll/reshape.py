"""Another shape at rest: landmarks moved by a few sliders, and the photograph warped with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    BROWS,
    EYE_DISTANCE,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LOWER_LID_TRAVEL,
    LOWER_LIDS,
    LOWER_LIP_ROWS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    UPPER_LID_TRAVEL,
    UPPER_LIDS,
    UPPER_LIP_ROWS,
    Points,
    crop_matrix,
    transform,
)
from realtime.sliders import demand_within

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# What a slider at 1 does: lips and brows grow by this share, corners of the mouth go out and up by
# these eye distances, lids open by this share of their gap, irises move by so many eye distances.
_LIPS, _BROWS = 0.30, 0.40
_SMILE, _SMILE_REACH = (0.055, -0.030), 0.22
_LIDS_OPENED, _LIDS_CLOSED = 0.18, 0.35
_GAZE = (0.035, 0.020)
_IRISES = (range(468, 473), range(473, 478))
# The field is solved on landmarks and kept on a grid of this many canonical pixels.
_STEP = 2
# Canonical pixels: nothing further than this from a landmark that moves is moved.
_HALO, _RIM = 14.0, 8.0
_SMOOTH = 1e-3


@dataclass(frozen=True)
class Shape:
    """Sliders of -1 to 1; 0 is the photograph. Raises ValueError beyond.

    lips, brows: thinner .. thicker. smile: corners of the mouth in .. out and up. eyes: narrower ..
    wider open. gaze_x, gaze_y: where the eyes rest, to the picture's right and down.
    """

    lips: float = 0.0
    brows: float = 0.0
    smile: float = 0.0
    eyes: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0

    def __post_init__(self) -> None:
        values = asdict(self)
        demand_within(values, dict.fromkeys(values, (-1.0, 1.0)))


def moved_landmarks(points: Points, shape: Shape) -> Field:
    """Displacements float32 [478, 2] of canonical points [478, 2], canonical pixels."""
    moves = np.zeros((len(points), 2), np.float32)
    for rows, inner in (
        ((OUTER_UPPER_LIP, *UPPER_LIP_ROWS), INNER_UPPER_LIP),
        ((OUTER_LOWER_LIP, *LOWER_LIP_ROWS), INNER_LOWER_LIP),
    ):
        for row in rows:
            away = points[list(row[1:-1]), 1] - points[list(inner[1:-1]), 1]
            moves[list(row[1:-1]), 1] += _LIPS * shape.lips * away
    for brow in BROWS:
        upper, lower = list(brow[:5]), list(brow[:4:-1])
        middle = (points[upper] + points[lower]) / 2
        for edge in (upper, lower):
            moves[edge] += _BROWS * shape.brows * (points[edge] - middle)
    for corner, side in ((61, -1), (291, 1)):
        near = np.linalg.norm(points - points[corner], axis=1) / (_SMILE_REACH * EYE_DISTANCE)
        pull = shape.smile * EYE_DISTANCE * np.array([side * _SMILE[0], _SMILE[1]])
        moves += np.exp(-(near**2) / 2)[:, None] * pull
    share = shape.eyes * (_LIDS_OPENED if shape.eyes > 0 else _LIDS_CLOSED)
    for uppers, lowers in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        gaps = points[list(lowers)] - points[list(uppers)]
        moves[list(uppers)] -= UPPER_LID_TRAVEL * share * gaps
        moves[list(lowers)] += LOWER_LID_TRAVEL * share * gaps
    for iris in _IRISES:
        moves[list(iris)] += EYE_DISTANCE * np.array(_GAZE) * (shape.gaze_x, shape.gaze_y)
    return moves


def reshape(picture: Picture, points: Points, shape: Shape) -> tuple[Picture, Points]:
    """RGB uint8 [H, W, 3] and its landmarks float32 [478, 3] with the sliders applied."""
    matrix = crop_matrix(points)
    canonical = transform(matrix, points)
    moves = moved_landmarks(canonical, shape)
    field, (left, top) = _backward_field(canonical, moves)
    height, width = picture.shape[:2]
    # Where the field lies in the picture, and what it says there, in picture pixels.
    to_field = matrix.copy()
    to_field[:, 2] -= (left, top)
    to_field /= np.float32(_STEP)
    inverse = cv2.invertAffineTransform(matrix).astype(np.float32)
    shifts = np.asarray(cv2.transform(field, inverse[:, :2]), np.float32)
    offset = cv2.warpAffine(
        shifts, to_field, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    warped = cv2.remap(picture, grid + offset, None, cv2.INTER_CUBIC)
    still = np.abs(offset).max(-1) < 1e-3
    warped[still] = picture[still]
    new = points.copy()
    new[:, :2] += moves @ inverse[:, :2].T
    return np.asarray(warped, np.uint8), new


def _backward_field(points: Points, moves: Field) -> tuple[Field, tuple[int, int]]:
    """Where each place of a grid is fetched from, relative to itself: float32 [h, w, 2].

    Thin plates (Bookstein 1989) through the moved landmarks, faded out beyond what moves. Also the
    grid's first place (x, y), canonical pixels.
    """
    moving = np.linalg.norm(moves, axis=1) > 0.02
    if not moving.any():
        return np.zeros((2, 2, 2), np.float32), (0, 0)
    placed = points + moves
    low = np.floor(np.minimum(placed, points)[moving].min(0) - _HALO).astype(int)
    high = np.ceil(np.maximum(placed, points)[moving].max(0) + _HALO).astype(int)
    x, y = (np.arange(a, b + _STEP, _STEP) for a, b in zip(low, high, strict=True))
    grid = np.dstack(np.meshgrid(x, y)).reshape(-1, 2)
    near = (placed > low - _RIM).all(1) & (placed < high + _RIM).all(1)
    edge = _rim(low - _RIM, high + _RIM)
    nodes = np.vstack([placed[near], edge])
    values = np.vstack([-moves[near], np.zeros_like(edge)])
    weights = np.linalg.solve(
        _plate(nodes, nodes) + _SMOOTH * EYE_DISTANCE**2 * np.eye(len(nodes)), values
    )
    field = _plate(grid, nodes) @ weights
    away = np.linalg.norm(grid[:, None] - placed[moving], axis=-1).min(1)
    fade = np.clip((_HALO - away) / _RIM, 0, 1)
    field *= (fade * fade * (3 - 2 * fade))[:, None]
    return field.reshape(len(y), len(x), 2).astype(np.float32), (int(low[0]), int(low[1]))


def _rim(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places around a rectangle, which stay."""
    x, y = (np.linspace(a, b, 12) for a, b in zip(low, high, strict=True))
    sides = [(x, low[1]), (x, high[1]), (low[0], y), (high[0], y)]
    return np.vstack([np.stack(np.broadcast_arrays(*side), 1) for side in sides])


def _plate(to: NDArray[np.float64], nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    square = ((to[:, None] - nodes) ** 2).sum(-1).astype(np.float64)
    return np.asarray(square * np.log(square + 1e-9) / 2)
