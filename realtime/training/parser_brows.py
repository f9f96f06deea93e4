"""Where the hairs of the brows are: what is darker than the skin above it and that below.

Landmarks alone outline a usual brow, whatever hairs there are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import BROWS, Points, between_eyes

Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Field = NDArray[np.float32]

# The band along a brow where hairs usually are, in half thicknesses of the landmarks' brow above
# and below its middle line.
_USUAL = 0.9, 1.1
# How far brows go on beyond the landmarks' outer and inner end, in steps between landmarks, and
# how thick they are there.
_BEYOND = 0.2
_ENDS = 0.5, 1.0
# Eye distances by which the picture and the usual band are blurred, and what no brow is as thick
# as; how much the band counts against the darkness, and where it has no say left; the least
# darkness of hairs, in L of 255.
_BLUR, _SOFT, _THICKEST = 0.012, 0.035, 0.4
_USUALLY, _NEVER = 0.8, 0.08
_LEAST_DARK, _TYPICAL = 12.0, 0.8


def brow_hairs(picture: Picture, points: Points) -> Flags:
    """RGB uint8 [h, w, 3] and landmarks float32 [478, 2] in its pixels -> bool [h, w]."""
    unit = between_eyes(points)
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), _BLUR * unit), np.float32)
    upright = np.ones((round(_THICKEST * unit) | 1, 1), np.uint8)
    dark = np.asarray(cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, upright), np.float32)
    brows = [_hairs(dark, points[list(brow), :2], unit) for brow in BROWS]
    return np.logical_or(*brows)


def _hairs(dark: Field, brow: Points, unit: float) -> Flags:
    """One brow of landmarks [10, 2], upper edge first, both edges from its outer end."""
    upper, lower = brow[:5], brow[:4:-1]
    middle, half = (upper + lower) / 2, (lower - upper) / 2
    thick = np.linalg.norm(half, axis=1, keepdims=True)
    half = half / thick * thick.mean()
    outer = middle[0] + _BEYOND * (middle[0] - middle[1])
    inner = middle[-1] + _BEYOND * (middle[-1] - middle[-2])
    middle = np.vstack([outer, middle, inner])
    half = np.vstack([_ENDS[0] * half[0], half, _ENDS[1] * half[-1]])
    above, below = _USUAL
    edges = np.vstack([middle - above * half, (middle + below * half)[::-1]])
    band = np.zeros(dark.shape, np.uint8)
    cv2.fillPoly(band, [np.round(edges * 16).astype(np.int32)], 1, shift=4)
    hairs = max(float(np.quantile(dark[band > 0], _TYPICAL)), _LEAST_DARK)
    usual = cv2.GaussianBlur(band.astype(np.float32), (0, 0), _SOFT * unit)
    share = np.clip(dark / hairs, 0, 1) + _USUALLY * (usual - 0.5)
    return _largest((share > 0.5) & (usual > _NEVER))


def _largest(flags: Flags) -> Flags:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        flags.astype(np.uint8), connectivity=4
    )
    if count == 1:
        return flags
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), np.bool_)
