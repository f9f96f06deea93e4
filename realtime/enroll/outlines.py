"""Outlines of lips and eyes, moved from where landmarks expect them to where colours part.

Landmarks err by a pixel or two of the canonical crop, each face in its own way. A pixel near an
outline goes to the region whose colours it has, unless it lies too far on the other side: every
region is a normal distribution of colours, found in turns with who belongs to it (expectation
maximisation), times a logistic prior on the distance to the outline.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    EYE_CORNERS,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    LOWER_LIDS,
    OUTER_LOWER_LIP,
    OUTER_UPPER_LIP,
    UPPER_LIDS,
    Points,
    crop_matrix,
    crop_picture,
    eye_polygons,
    lip_polygons,
    transform,
)

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# Pixels of the canonical crop: how far outlines err; how far away colours have a say, and count as
# those around; how far lines move at most, and in what steps.
_ERROR, _REACH, _AROUND, _MOST, _STEP = 1.0, 4.0, 6.0, 3.0, 0.25
# Turns, the least spread of a region's colours (in Lab of 255) and the least pixels it needs.
_TURNS, _SPREAD, _LEAST_PX = 3, 2.5, 64
# Pixels over which fits are averaged, and the least log fit beside the best: no colour is proof.
_BLUR, _LEAST_FIT = 0.7, -8.0
_NEVER = -1e3
UP, DOWN = -1, 1
# Landmarks of the lids lie on the white of the eye, so far inside of the lids' edge.
_LIDS = 0.5


def settled(picture: Picture, points: Points) -> Points:
    """Landmarks float32 [478, 3] with lips and lids where RGB uint8 [H, W, 3] shows them.

    In pixels of the picture. The corners of mouth and eyes stay, so the canonical crop does.
    """
    matrix = crop_matrix(points)
    placed = transform(matrix, points)
    moves = _settled(crop_picture(picture, matrix), placed) - placed
    moved = points.copy()
    moved[:, :2] += moves @ np.linalg.inv(matrix[:, :2]).T
    return moved


def _settled(crop: Picture, points: Points) -> Points:
    """The same in the canonical crop: uint8 [256, 256, 3] and float32 [478, 2] -> [478, 2]."""
    lab = lab_of(crop)
    moved = points.copy()
    outlines = list(lip_polygons(points).values())
    window = _Window(lab, np.vstack(outlines))
    upper, lower, mouth, around = window.shares(outlines)
    for line, inside, outwards in (
        (OUTER_UPPER_LIP, 1 - around, UP),
        (OUTER_LOWER_LIP, 1 - around, DOWN),
        (INNER_UPPER_LIP, mouth + lower, UP),
        (INNER_LOWER_LIP, mouth + upper, DOWN),
    ):
        moved[list(line[1:-1])] = window.edge(points[list(line)], inside, outwards)
    for outline, (outer, inner), uppers, lowers in zip(
        eye_polygons(points), EYE_CORNERS, UPPER_LIDS, LOWER_LIDS, strict=True
    ):
        window = _Window(lab, outline)
        eye, _ = window.shares([outline], _LIDS)
        for lids, outwards in ((uppers, UP), (lowers, DOWN)):
            moved[list(lids)] = window.edge(points[[outer, *lids, inner]], eye, outwards)
    return moved


class _Window:
    """The part of Lab float32 [256, 256, 3] in which outlines around some points are sought."""

    def __init__(self, lab: Field, points: Points) -> None:
        margin = 2 * _AROUND
        low = np.maximum(np.floor(points.min(0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(points.max(0) + margin) + 1, lab.shape[1::-1]).astype(int)
        self._origin = low.astype(np.float32)
        self._lab = lab[low[1] : high[1], low[0] : high[0]]

    def shares(self, outlines: Sequence[Points], beyond: float = 0.0) -> Field:
        """How much of every pixel is inside of which outline, the last one of none: [N + 1, h, w].

        Outlines are first taken `beyond` pixels larger.
        """
        inside = [self._distance(outline) + np.float32(beyond) for outline in outlines]
        return parted(self._lab, np.stack([*inside, -np.max(inside, axis=0)]), _ERROR)

    def _distance(self, outline: Points) -> Field:
        """Pixels to an outline, positive inside: float32 [h, w]."""
        corners = np.ascontiguousarray(outline - self._origin, np.float32)
        height, width = self._lab.shape[:2]
        places = itertools.product(range(height), range(width))
        far = [cv2.pointPolygonTest(corners, (x, y), True) for y, x in places]
        return np.array(far, np.float32).reshape(height, width)

    def edge(self, line: Points, inside: Field, outwards: int) -> Points:
        """A line [n, 2] without its ends, moved across itself to where `inside` ends next."""
        along = line[2:] - line[:-2]
        across = np.stack([along[:, 1], -along[:, 0]], 1)
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        across *= outwards * np.sign(across[:, 1].sum())
        far = np.arange(-_MOST, _MOST + _STEP, _STEP, dtype=np.float32)
        at = line[1:-1, None] - self._origin + across[:, None] * far[:, None]
        share = cv2.remap(inside, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
        ends = (share[:, :-1] > 0.5) & (share[:, 1:] <= 0.5)
        middles = (far[1:] + far[:-1]) / 2
        nearest = np.where(ends, np.abs(middles), np.inf).argmin(1)
        shift = np.where(ends.any(1), middles[nearest], 0)
        shift = cv2.blur(shift[None], (3, 1), borderType=cv2.BORDER_REPLICATE)[0]
        return np.asarray(line[1:-1] + shift[:, None] * across, np.float32)


def lab_of(picture: Picture) -> Field:
    """RGB uint8 [h, w, 3] in Lab, each of the three 0..255: float32 [h, w, 3]."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)


def parted(lab: Field, distances: Field, error: float) -> Field:
    """How much of every pixel belongs to which region: float32 [N, h, w], 0..1.

    lab float32 [h, w, 3]; distances float32 [N, h, w], pixels to the outline of each region,
    positive inside, the last region lying around the others. error: pixels by which outlines err.
    """
    inner, around = distances[:-1], distances[-1:]
    large = (inner > 0).sum((1, 2), keepdims=True) >= _LEAST_PX
    possible = (inner > -_REACH) & large
    prior = np.concatenate([np.where(possible, inner / error, _NEVER), around / error])
    near = np.concatenate([possible, around < _AROUND])
    shares = _softmax(prior)
    for _ in range(_TURNS):
        fits = np.stack([_fit(lab, share) for share in shares * near])
        fits = np.maximum(fits - fits.max(0), _LEAST_FIT)
        blurred = [cv2.GaussianBlur(fit, (0, 0), _BLUR) for fit in fits]
        shares = _softmax(prior + np.stack(blurred))
    return shares


def _fit(lab: Field, weights: Field) -> Field:
    """Log likelihood of colours [h, w, 3] in the normal distribution of some of them: [h, w]."""
    weights = weights / (weights.sum() + 1e-6)
    apart = lab - np.einsum("hwc,hw->c", lab, weights)
    spread = np.einsum("hwi,hwj,hw->ij", apart, apart, weights) + _SPREAD**2 * np.eye(3)
    square = np.einsum("hwi,ij,hwj->hw", apart, np.linalg.inv(spread), apart)
    return np.asarray(-(square + np.log(np.linalg.det(spread))) / 2, np.float32)


def _softmax(scores: Field) -> Field:
    grown = np.exp(scores - scores.max(0))
    return np.asarray(grown / grown.sum(0), np.float32)
