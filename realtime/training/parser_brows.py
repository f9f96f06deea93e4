"""Where the hairs of the brows are: what is darker than the forehead, near where brows usually are.

Landmarks alone outline a usual brow, whatever hairs there are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import BROWS, Points, eye_centres

Picture = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Field = NDArray[np.float32]

# A band along a brow reaches so far above and below its middle line, in half thicknesses of the
# landmarks' brow: where hairs usually are; skin above them; hairs for certain.
_USUAL, _FOREHEAD, _HAIRS = (0.9, 1.3), (2.6, -1.4), (0.4, 1.2)
# How far brows go on beyond the landmarks' outer and inner end, in steps between landmarks, and
# how thick they are there.
_OUTWARDS, _INWARDS = 0.2, 0.33
_ENDS = 0.5, 1.1
# Eye distances by which the picture and the usual band are blurred; how much the band counts
# against the darkness, and where it has no say left; the least darkness of hairs, in L of 255.
_BLUR, _SOFT = 0.012, 0.035
_USUALLY, _NEVER = 0.8, 0.08
_LEAST_DARK, _TYPICAL = 12.0, 0.7


def brow_hairs(picture: Picture, points: Points) -> Flags:
    """RGB uint8 [h, w, 3] and landmarks float32 [478, 2] in its pixels -> bool [h, w]."""
    unit = float(np.linalg.norm(np.subtract(*eye_centres(points))))
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), _BLUR * unit), np.float32)
    brows = [_hairs(light, points[list(brow), :2], unit) for brow in BROWS]
    return np.logical_or(*brows)


def _hairs(light: Field, brow: Points, unit: float) -> Flags:
    """One brow of landmarks [10, 2], upper edge first, both edges from its outer end."""
    upper, lower = brow[:5], brow[:4:-1]
    middle, half = (upper + lower) / 2, (lower - upper) / 2
    thick = np.linalg.norm(half, axis=1, keepdims=True)
    half = half / thick * thick.mean()
    outer = middle[0] + _OUTWARDS * (middle[0] - middle[1])
    inner = middle[-1] + _INWARDS * (middle[-1] - middle[-2])
    middle = np.vstack([outer, middle, inner])
    half = np.vstack([_ENDS[0] * half[0], half, _ENDS[1] * half[-1]])

    def band(above: float, below: float) -> Flags:
        edges = np.vstack([middle - above * half, (middle + below * half)[::-1]])
        image = np.zeros(light.shape, np.uint8)
        cv2.fillPoly(image, [np.round(edges * 16).astype(np.int32)], 1, shift=4)
        return image > 0

    dark = _skin(light, band(*_FOREHEAD)) - light
    hairs = max(float(np.quantile(dark[band(*_HAIRS)], _TYPICAL)), _LEAST_DARK)
    usual = cv2.GaussianBlur(band(*_USUAL).astype(np.float32), (0, 0), _SOFT * unit)
    share = np.clip(dark / hairs, 0, 1) + _USUALLY * (usual - 0.5)
    return _largest((share > 0.5) & (usual > _NEVER))


def _skin(light: Field, forehead: Flags) -> Field:
    """How light skin would be, by a line fitted across the forehead: float32 [1, w]."""
    columns = np.nonzero(forehead)[1]
    slope, start = np.polyfit(columns, light[forehead], 1)
    return np.asarray(slope * np.arange(light.shape[1]) + start, np.float32)[None]


def _largest(flags: Flags) -> Flags:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        flags.astype(np.uint8), connectivity=4
    )
    if count == 1:
        return flags
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), np.bool_)
