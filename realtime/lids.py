"""Shut eyes as they look: a lid of smooth skin that ends in lashes.

A photograph of open eyes shows next to nothing of its lids, and what it shows are lashes, shadow
and brow; stretched over the eye, they smear. So a lid is painted with the skin below the eye,
mirrored, as dark at its fold as what lies above. Brows, cheeks and folds stay where they are.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.compositor import Layer
from realtime.face import (
    EYE_CORNERS,
    EYE_WINDOWS,
    LID_FOLDS,
    LOWER_LIDS,
    UPPER_LIDS,
    Points,
    Window,
    close_eyes,
    coverage,
)

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Lines = tuple[tuple[int, ...], ...]

# Skin is taken from so far below the eye, in pixels, clear of the lower lashes.
_CLEAR = 4.0
# How dark a fold may be, over how many pixels it is looked at, and how far it shades the lid.
_DARKEST_FOLD, _FOLD_BLUR, _FOLD_REACH = 0.80, 2.5, 0.6
# A lid bulges: its middle is so much lighter than its rims; the whole is darker than the cheek.
_BULGE, _BULGE_MEAN = 0.10, 1.1
# A lid that covers this share of the opening is all painted; its upper rim is so soft, in pixels.
_PAINTED, _SOFT = 0.2, 1.6
# Lashes, a line and a wider fringe below it: width and drop in pixels, and how dark.
_LASHES = ((2.2, 0.4, 0.9), (4.0, 2.2, 0.45))


class Lids:
    """The lids of one photograph, ready to come down."""

    def __init__(self, crop: Picture, points: Points, worn: Field) -> None:
        """crop: RGB uint8 [256, 256, 3]; points: canonical, float32 [478, 2]; worn: where glasses
        hide them, float32 [256, 256], 0..1."""
        self._points = points
        blurred = np.asarray(cv2.GaussianBlur(crop, (0, 0), _FOLD_BLUR), np.uint8)
        self._eyes = [
            _Eye(crop, blurred, points, worn, eye, window) for eye, window in enumerate(EYE_WINDOWS)
        ]
        # Every blink goes through the same few amounts.
        self._kept = lru_cache(16)(self._drawn)

    def shut(self, amount: float) -> list[Layer]:
        """Both eyes closed by `amount` in 0 (as they are) .. 1, as paint that moves nothing."""
        return self._kept(amount)

    def _drawn(self, amount: float) -> list[Layer]:
        moved = close_eyes(self._points, amount)
        return [eye.layer(moved, amount) for eye in self._eyes]


class _Eye:
    """What of one lid no blink changes."""

    def __init__(
        self,
        crop: Picture,
        blurred: Picture,
        points: Points,
        worn: Field,
        eye: int,
        window: Window,
    ) -> None:
        self._crop, self._eye, self._window = crop, eye, window
        self._bare = 1 - worn[window]
        self._y, self._x = np.mgrid[window].astype(np.float32)
        self._fold_line = _line(points, eye, LID_FOLDS)
        self._fold = _heights(points, eye, LID_FOLDS, self._x)
        self._below = _heights(points, eye, LOWER_LIDS, self._x) + np.float32(_CLEAR)
        self._above = _sample(blurred, self._x, self._fold - 1).mean(2, keepdims=True)
        self._dark = _lash_colour(crop, points, eye)

    def layer(self, moved: Points, amount: float) -> Layer:
        edge = _line(moved, self._eye, UPPER_LIDS)
        lid = self._skin(_heights(moved, self._eye, UPPER_LIDS, self._x))
        lashes = _lashes(edge, self._window)
        lid += lashes[..., None] * (self._dark - lid)
        share = np.maximum(self._covered(edge), lashes) * self._bare
        share *= np.float32(min(amount / _PAINTED, 1))
        return Layer(self._window, None, share.clip(0, 1), lid.clip(0, 1))

    def _skin(self, edge: Field) -> Field:
        """Lit skin that ends at the height of `edge` [h, w]: RGB float32 [h, w, 3], 0..1."""
        skin = _sample(self._crop, self._x, self._below + np.maximum(edge - self._y, 0))
        at_fold = self._above / (skin.mean(2, keepdims=True) + 1)
        at_fold = np.clip(at_fold, _DARKEST_FOLD, 1)
        down = (self._y - self._fold) / np.maximum(edge - self._fold, 1)
        down = np.clip(down, 0, 1)[..., None]
        light = at_fold + (1 - at_fold) * np.minimum(down / _FOLD_REACH, 1)
        light += _BULGE * (np.sin(np.pi * down) - _BULGE_MEAN)
        return np.asarray(light * skin / 255, np.float32)

    def _covered(self, edge: Points) -> Field:
        """What the lid covers from its fold, where it is soft, to its edge: float32 [h, w]."""
        lower = edge[::-1] + _down(4 * _SOFT)
        beyond = coverage(np.concatenate([self._fold_line, lower]), self._window)
        soft = cv2.GaussianBlur(beyond, (0, 0), _SOFT)
        below = coverage(np.concatenate([edge, lower + _down(4 * _SOFT)]), self._window)
        return np.asarray(soft * (1 - below), np.float32)


def _line(points: Points, eye: int, lines: Lines) -> Points:
    """A lid's edge or fold from the outer to the inner corner: float32 [9, 2]."""
    outer, inner = EYE_CORNERS[eye]
    return np.asarray(points[[outer, *lines[eye], inner], :2], np.float32)


def _heights(points: Points, eye: int, lines: Lines, x: Field) -> Field:
    """How high a lid's edge or fold runs at every x, between the corners and on beyond."""
    line = points[list(lines[eye]), :2]
    line = line[np.argsort(line[:, 0])]
    return np.asarray(np.interp(x, line[:, 0], line[:, 1]), np.float32)


def _sample(picture: Picture, x: Field, y: Field) -> Field:
    """The picture at places, float32 [h, w, 3], 0..255."""
    seen = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def _lashes(edge: Points, window: Window) -> Field:
    """How dark the lashes along the lid's edge are, 0..1: float32 [h, w]."""
    rows, columns = window
    dark = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
    thin_at_corners = np.sin(np.linspace(0.15, np.pi - 0.15, len(edge)))[:, None]
    for width, drop, strength in _LASHES:
        half = _down(width / 2) * thin_at_corners
        band = np.concatenate([edge - half, (edge + half)[::-1]]) + _down(drop)
        dark = np.maximum(dark, strength * coverage(band.astype(np.float32), window))
    return np.asarray(cv2.GaussianBlur(dark, (0, 0), 0.6), np.float32)


def _lash_colour(crop: Picture, points: Points, eye: int) -> Field:
    """The darkest colour along the open lid's edge: RGB float32 [3], 0..1."""
    edge = np.round(_line(points, eye, UPPER_LIDS)[1:-1]).astype(int).clip(3, len(crop) - 2)
    around = np.concatenate([crop[edge[:, 1] + step, edge[:, 0]] for step in range(-3, 2)])
    darkest = around[np.argsort(around.sum(1))[: len(edge)]]
    return np.asarray(darkest.mean(0) / 255, np.float32)


def _down(pixels: float) -> Field:
    return np.array([0, pixels], np.float32)
