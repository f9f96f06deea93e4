"""Shut eyes as they look: a lid of smooth skin that ends in lashes.

A photograph with open eyes shows next to nothing of its lids, and what it shows are lashes and
shadow; stretched over the eye, they smear. So a lid is made of the skin below the eye, mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    EYE_CORNERS,
    LID_FOLDS,
    LOWER_LIDS,
    UPPER_LIDS,
    Points,
    Window,
    coverage,
)

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# Skin is taken from so far below the eye, in pixels, clear of the lower lashes.
_LASHES = 4.0
# At its fold a lid is as dark as what lies above, within reason; it bulges, lighter in its middle.
_DARKEST_FOLD, _FOLD_BLUR, _BULGE = 0.65, 2.5, 0.10
# A lid that covers this share of the opening is all painted; its upper edge is so soft, in pixels.
_PAINTED, _SOFT = 0.4, 1.2
# Lashes: a line and a wider fringe below it: width and drop in pixels, and how dark.
_LINE, _FRINGE = (2.2, 0.4, 0.9), (4.0, 2.2, 0.45)


@dataclass(frozen=True)
class Lids:
    """What covers the eyes: colour RGB float32 [h, w, 3], 0..1, by share float32 [h, w]."""

    colour: Field
    share: Field


def make_lids(crop: Picture, rest: Points, moved: Points, window: Window) -> Lids:
    """Both lids of the photograph RGB uint8 [256, 256, 3], come down from `rest` to `moved`.

    Points are canonical, float32 [478, 2]; where a lid rests nothing is covered.
    """
    rows, columns = window
    colour = np.zeros((rows.stop - rows.start, columns.stop - columns.start, 3), np.float32)
    share = np.zeros(colour.shape[:2], np.float32)
    for eye in range(len(EYE_CORNERS)):
        if (closed := _closed(rest, moved, eye)) > 0:
            lashes = _lashes(moved, eye, window)
            lid = _skin(crop, rest, moved, eye, window)
            lid += lashes[..., None] * (_lash_colour(crop, rest, eye) - lid)
            here = np.maximum(_lid(rest, moved, eye, window), lashes)
            colour = np.where(here[..., None] > share[..., None], lid, colour)
            share = np.maximum(share, here * np.float32(min(closed / _PAINTED, 1)))
    return Lids(np.clip(colour, 0, 1), np.clip(share, 0, 1))


def _skin(crop: Picture, rest: Points, moved: Points, eye: int, window: Window) -> Field:
    """The skin below the eye mirrored and lit as a lid: RGB float32 [h, w, 3], 0..1."""
    y, x = np.mgrid[window].astype(np.float32)
    fold, edge = _heights(rest, eye, LID_FOLDS, x), _heights(moved, eye, UPPER_LIDS, x)
    below = _heights(rest, eye, LOWER_LIDS, x) + _LASHES + np.maximum(edge - y, 0)
    border = cv2.BORDER_REPLICATE
    skin = cv2.remap(crop, x, below, cv2.INTER_LINEAR, borderMode=border).astype(np.float32)
    blurred = cv2.GaussianBlur(crop, (0, 0), _FOLD_BLUR)
    above = cv2.remap(blurred, x, fold - 1, cv2.INTER_LINEAR, borderMode=border)
    at_fold = np.clip((above + np.float32(1)) / (skin + 1), _DARKEST_FOLD, 1)
    down = np.clip((y - fold) / np.maximum(edge - fold, 1), 0, 1)[..., None]
    light = at_fold + (1 - at_fold) * np.minimum(1.6 * down, 1)
    light += _BULGE * (np.sin(np.pi * down) - 0.8)
    return np.asarray(skin / 255 * light, np.float32)


def _line(points: Points, eye: int, lids: tuple[tuple[int, ...], ...]) -> Points:
    """A lid's edge or fold from the outer to the inner corner: [9, 2]."""
    outer, inner = EYE_CORNERS[eye]
    return points[[outer, *lids[eye], inner], :2]


def _heights(points: Points, eye: int, lids: tuple[tuple[int, ...], ...], x: Field) -> Field:
    """How high a lid's edge or fold runs at every x, between the corners and on beyond."""
    line = points[list(lids[eye]), :2]
    line = line[np.argsort(line[:, 0])]
    return np.interp(x, line[:, 0], line[:, 1]).astype(np.float32)


def _closed(rest: Points, moved: Points, eye: int) -> float:
    """The share of the opening that is closed."""
    before, after = (
        float((points[list(LOWER_LIDS[eye]), 1] - points[list(UPPER_LIDS[eye]), 1]).mean())
        for points in (rest, moved)
    )
    return 1 - after / max(before, 1.0)


def _lid(rest: Points, moved: Points, eye: int, window: Window) -> Field:
    """What the lid covers, from the fold to its edge, soft at the fold."""
    outline = np.concatenate(
        [_line(rest, eye, LID_FOLDS), _line(moved, eye, UPPER_LIDS)[::-1]], dtype=np.float32
    )
    hard = coverage(outline, window)
    soft = np.asarray(cv2.GaussianBlur(hard, (0, 0), _SOFT), np.float32)
    edge = _line(moved, eye, UPPER_LIDS)
    # What blurred down over the edge is not lid.
    under = np.concatenate([edge, edge[::-1] + np.array([0, 3 * _SOFT], np.float32)])
    inner = soft * (1 - coverage(under, window))
    return np.asarray(np.maximum(inner, hard * (soft > 0.5)), np.float32)


def _lashes(moved: Points, eye: int, window: Window) -> Field:
    """How dark the lashes are, 0..1."""
    dark = np.zeros([part.stop - part.start for part in window], np.float32)
    for width, drop, strength in (_LINE, _FRINGE):
        edge = _line(moved, eye, UPPER_LIDS) + np.array([0, drop], np.float32)
        half = np.array([0, width / 2], np.float32)
        # Thin at the corners.
        half = half * np.sin(np.linspace(0.15, np.pi - 0.15, len(edge)))[:, None].astype(np.float32)
        band = coverage(np.concatenate([edge - half, (edge + half)[::-1]]), window)
        dark = np.maximum(dark, strength * band)
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), 0.6), np.float32)


def _lash_colour(crop: Picture, rest: Points, eye: int) -> Field:
    """The dark colour along the edge of the open lid: RGB float32 [3], 0..1."""
    edge = np.round(_line(rest, eye, UPPER_LIDS)[1:-1]).astype(int).clip(3, crop.shape[0] - 2)
    around = np.concatenate([crop[edge[:, 1] + step, edge[:, 0]] for step in range(-3, 2)])
    dark = around[np.argsort(around.sum(1))[: len(edge)]]
    return np.asarray(dark.mean(0) / 255, np.float32)
