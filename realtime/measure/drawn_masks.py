"""Masks drawn by hand, the truth that parser and matte are measured against."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import InputError
from realtime.regions import Region

Outline = NDArray[np.float64]

_FINER = 4  # an outline is filled at this many times the picture's resolution
_SUBPIXEL_BITS = 4  # of OpenCV's fixed-point vertices


@dataclass(frozen=True)
class DrawnMask:
    """Outlines [N, 2] of x, y in pixels (pixel centres at whole numbers), later over earlier."""

    picture: str  # relative to the folder of portraits
    sha256: str
    width: int
    height: int
    painted: tuple[tuple[Region, Outline], ...]

    def check(self, picture: bytes) -> bytes:
        """The picture file as it came; raises InputError unless it is the one drawn upon."""
        found = hashlib.sha256(picture).hexdigest()
        if found != self.sha256:
            raise InputError(
                f"The mask of {self.picture} was drawn on the file with SHA-256 "
                f"{self.sha256[:12]}..., and this one has {found[:12]}..."
            )
        return picture

    def paint(self) -> NDArray[np.uint8]:
        """Class ids uint8 [height, width]; an outline owns the pixels it covers half or more."""
        mask = np.full((self.height, self.width), Region.BACKGROUND, np.uint8)
        fine = np.empty((self.height * _FINER, self.width * _FINER), np.uint8)
        for region, outline in self.painted:
            corners = ((outline + 0.5) * _FINER - 0.5) * (1 << _SUBPIXEL_BITS)
            fine[:] = 0
            cv2.fillPoly(fine, [np.rint(corners).astype(np.int32)], 255, shift=_SUBPIXEL_BITS)
            share = cv2.resize(fine, (self.width, self.height), interpolation=cv2.INTER_AREA)
            mask[share >= 128] = region
        return mask


def read_drawn_mask(path: Path) -> DrawnMask:
    """One drawing; see the README beside the drawings for the format."""
    drawn = json.loads(path.read_text())
    width, height = drawn["size"]
    painted = tuple(
        (Region[name.upper()], np.array(outline, np.float64)) for name, outline in drawn["painted"]
    )
    return DrawnMask(drawn["picture"], drawn["sha256"], width, height, painted)


def read_drawn_masks(folder: Path) -> tuple[DrawnMask, ...]:
    """Every drawing of a folder, by name."""
    return tuple(read_drawn_mask(path) for path in sorted(folder.glob("*.json")))
