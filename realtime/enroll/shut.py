"""A photograph with its mouth shut: what a portrait moves from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime import mesh
from realtime.enroll.mesh import backward_flow
from realtime.face import (
    EYE_DISTANCE,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LOWER_LIP_ROWS,
    UPPER_LIP_ROWS,
    Points,
    between_eyes,
    close_lips,
    crop_matrix,
    lip_gap,
    move_lips,
    transform,
)

Picture = NDArray[np.uint8]

_LEAST_GAP = 0.02  # in eye distances: lips less apart touch
_SEAM, _SEAM_WIDTH = 0.45, 0.015  # how dark the line between lips is; in eye distances
_SHIFT = 4  # fractional bits of the points handed to OpenCV
_RIM = 0.5  # of the way from a lip's inner edge to the next row of its landmarks


def shut_mouth(
    picture: Picture, points: Points, parting: NDArray[np.float32]
) -> tuple[Picture, Points]:
    """RGB uint8 [H, W, 3] and landmarks float32 [478, 3] in its pixels, lips together.

    The jaw comes up as far as speech would let it down for such a gap, and the picture is warped
    along. `parting` [478, >=2] is how landmarks move, in eye distances, for a gap of one.
    """
    matrix = crop_matrix(points)
    placed = transform(matrix, points)
    gap = lip_gap(placed) / EYE_DISTANCE
    if gap < _LEAST_GAP:
        return picture, points
    closed = close_lips(move_lips(placed, np.float32(-gap) * parting))
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float32)
    shut = points.copy()
    shut[:, :2] = transform(back, closed)
    height, width = picture.shape[:2]
    window = slice(0, height), slice(0, width)
    no_holes = np.zeros((height, width), np.float32)
    flow = backward_flow(_without_rims(points[:, :2]), shut[:, :2], no_holes, window)
    places = mesh.grid(window) + flow
    warped = cv2.remap(picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return _seamed(np.asarray(warped, np.uint8), shut), shut


def _seamed(picture: Picture, points: Points) -> Picture:
    """The same, soft and dark where its lips meet."""
    width = _SEAM_WIDTH * between_eyes(points)
    line = np.zeros(picture.shape[:2], np.uint8)
    corners = np.round(points[list(INNER_UPPER_LIP), :2] * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(line, [corners], False, 255, max(1, round(width)), cv2.LINE_AA, _SHIFT)
    near = cv2.GaussianBlur(line.astype(np.float32), (0, 0), width)
    share = np.asarray(near / near.max(), np.float32)
    blurred = cv2.GaussianBlur(picture, (0, 0), width)
    soft = cv2.blendLinear(blurred, picture, share, 1 - share)
    return np.asarray(np.round(soft * (1 - _SEAM * share)[..., None]), np.uint8)


def _without_rims(points: Points) -> Points:
    """The lips' inner edges a little inside them: what lies on an edge is half teeth."""
    inside = points.copy()
    for edge, row in ((INNER_UPPER_LIP, UPPER_LIP_ROWS[-1]), (INNER_LOWER_LIP, LOWER_LIP_ROWS[-1])):
        inside[list(edge)] += _RIM * (points[list(row)] - points[list(edge)])
    return inside
