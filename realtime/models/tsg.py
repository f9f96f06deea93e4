"""Talking segmentation (TSG): the resting mask redrawn where the lip code moved its landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.face import OVAL, Points, Window, coverage, eye_polygons, lip_polygons, overlay
from realtime.regions import Region

Mask = NDArray[np.float32]

# From one side of the oval, at the eyes' height, round the chin to the other.
_JAW = OVAL[7:30]


def first_mask(rest_mask: Mask, rest: Points, moved: Points, window: Window) -> Mask:
    """The mask after the landmarks moved: float32 [12, h, w], summing to 1 over the regions.

    rest_mask float32 [12, 256, 256] belongs to the canonical points `rest`. The jaw's outline,
    lips, mouth and eyes are drawn anew from `moved`, with sub-pixel edges; all else stays.
    """
    mask = rest_mask[(slice(None), *window)].copy()
    for region in (Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH, Region.EYES):
        mask[Region.SKIN] += mask[region]
        mask[region] = 0
    _move_jaw(mask, rest, moved, window)
    for polygon in eye_polygons(moved):
        _lay(mask, Region.EYES, polygon, window)
    for region, polygon in lip_polygons(moved).items():
        _lay(mask, region, polygon, window)
    return mask


def _move_jaw(mask: Mask, rest: Points, moved: Points, window: Window) -> None:
    """Skin where the chin came to be; neck, or what else lies below, where it was."""
    before, after = (coverage(points[list(_JAW), :2], window) for points in (rest, moved))
    uncovered = np.maximum(before - after, 0) * mask[Region.SKIN]
    mask[Region.SKIN] -= uncovered
    mask[Region.BODY] += uncovered
    overlay(mask, Region.SKIN, np.maximum(after - before, 0))


def _lay(mask: Mask, region: Region, polygon: Points, window: Window) -> None:
    """Lays a polygon over the mask in place, touching only the pixels it can cover."""
    low = np.floor(polygon.min(0)).astype(int)
    high = np.ceil(polygon.max(0)).astype(int) + 1
    inner = []
    for part, start, stop in zip(window, low[::-1], high[::-1], strict=True):
        start, stop = max(int(start), part.start), min(int(stop), part.stop)
        if start >= stop:
            return
        inner.append(slice(start, stop))
    rows, columns = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(inner, window, strict=True)
    )
    overlay(mask[:, rows, columns], region, coverage(polygon, (inner[0], inner[1])))
