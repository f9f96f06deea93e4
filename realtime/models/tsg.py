"""Talking segmentation (TSG): the resting mask redrawn where the lip code moved its landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    OVAL,
    Points,
    Window,
    coverage,
    eye_polygons,
    lip_polygons,
    overlay,
    within,
)
from realtime.regions import Region

Mask = NDArray[np.float32]

# From one side of the oval, at the eyes' height, round the chin to the other.
JAW = OVAL[7:30]


class RestingMask:
    """The mask of one window of a face at rest, from which the first mask of a frame is drawn.

    mask float32 [12, 256, 256] belongs to the canonical `points`. `bare` float32 [12, h, w] is the
    mask without lips, mouth and eyes; `jaw` float32 [h, w] what lies above the jaw's outline.
    """

    def __init__(self, mask: Mask, points: Points, window: Window) -> None:
        self._window = window
        self.jaw = _jaw(points, window)
        # All that is drawn anew is skin until then.
        self.bare = mask[(slice(None), *window)].copy()
        for region in (Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH, Region.EYES):
            self.bare[Region.SKIN] += self.bare[region]
            self.bare[region] = 0

    def moved(self, points: Points) -> Mask:
        """The mask after the landmarks moved: float32 [12, h, w], summing to 1 over the regions.

        The jaw's outline, lips, mouth and eyes are drawn anew, with sub-pixel edges; all else
        stays.
        """
        mask = self.bare.copy()
        self._move_jaw(mask, points)
        for polygon in eye_polygons(points):
            lay(mask, Region.EYES, polygon, self._window)
        for region, polygon in lip_polygons(points).items():
            lay(mask, region, polygon, self._window)
        return mask

    def _move_jaw(self, mask: Mask, points: Points) -> None:
        """Skin where the chin came to be; neck, or what else lies below, where it was."""
        fallen = _jaw(points, self._window) - self.jaw
        uncovered = np.maximum(-fallen, 0) * mask[Region.SKIN]
        mask[Region.SKIN] -= uncovered
        mask[Region.BODY] += uncovered
        overlay(mask, Region.SKIN, np.maximum(fallen, 0))


def _jaw(points: Points, window: Window) -> NDArray[np.float32]:
    """Share of every pixel that lies above the jaw's outline: float32 [h, w]."""
    return coverage(points[list(JAW), :2], window)


def lay(mask: Mask, region: Region, polygon: Points, window: Window) -> None:
    """Lays a polygon over the mask in place, touching only the pixels it can cover."""
    low = np.floor(polygon.min(0)).astype(int)
    high = np.ceil(polygon.max(0)).astype(int) + 1
    inner = []
    for part, start, stop in zip(window, low[::-1], high[::-1], strict=True):
        start, stop = max(int(start), part.start), min(int(stop), part.stop)
        if start >= stop:
            return
        inner.append(slice(start, stop))
    touched = inner[0], inner[1]
    rows, columns = within(touched, window)
    overlay(mask[:, rows, columns], region, coverage(polygon, touched))
