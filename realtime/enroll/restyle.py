"""Another style for a part of a photograph: its own texture, moved towards a donor's colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.parts import lab
from realtime.foreground import foreground

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# Contrast and colour scatter follow the donor's within these factors: more would bring out noise.
_CONTRAST, _SCATTER = (0.6, 1.8), (0.5, 1.5)
_COUNTED = 0.45  # a pixel that belongs less than this to the part does not speak for it


@dataclass(frozen=True)
class Colours:
    """The colours of a part in CIE L*a*b*.

    mean: float32 [3]. contrast: standard deviation of L. slope: float32 [2], by how much a and b
    grow with L. scatter: float32 [2], the standard deviation of a and b about that line.
    """

    mean: Field
    contrast: float
    slope: Field
    scatter: Field


def colours_of(picture: Picture, share: Field) -> Colours:
    """RGB uint8 [H, W, 3] and the part's share [H, W] -> its colours; the share must not be 0."""
    seen = share > min(_COUNTED, 0.9 * float(share.max()))
    pixels, weights = lab(picture)[seen], share[seen] ** 2
    mean = np.average(pixels, axis=0, weights=weights)
    apart = pixels - mean
    variance = float(np.average(apart[:, 0] ** 2, weights=weights))
    slope = np.average(apart[:, :1] * apart[:, 1:], axis=0, weights=weights) / max(variance, 1.0)
    about = apart[:, 1:] - apart[:, :1] * slope
    scatter = np.sqrt(np.average(about**2, axis=0, weights=weights))
    return Colours(*map(np.float32, (mean, np.sqrt(variance), slope, scatter)))  # type: ignore[arg-type]


def restyle(picture: Picture, share: Field, donor: Colours, strength: float) -> Picture:
    """The photograph with a part's colours moved towards a donor's by `strength` 0..1.

    Light and shade keep their places, so strands, wrinkles and highlights stay; a and b follow
    lightness as they do in the donor (a dark strand of fair hair is brown, not yellow).
    """
    rows, columns = _box(share)
    if rows.start == rows.stop:
        return picture
    shown, inside = picture[rows, columns], share[rows, columns]
    # What shines through a part's edge, skin through a hairline, is none of its colours and stays.
    alone = foreground(np.dstack([shown, np.round(inside * 255).astype(np.uint8)]))[..., :3]
    own, part, pixels = colours_of(alone, inside), lab(alone), lab(shown)
    contrast = np.clip(donor.contrast / max(own.contrast, 1.0), *_CONTRAST)
    scatter = np.clip(donor.scatter / np.maximum(own.scatter, 0.5), *_SCATTER)
    light = part[..., :1] - own.mean[0]
    about = part[..., 1:] - own.mean[1:] - light * own.slope
    lightness = np.clip(donor.mean[0] + contrast * light, 0, 100)
    hue = donor.mean[1:] + donor.slope * (lightness - donor.mean[0]) + scatter * about
    moved = np.concatenate([lightness, hue], -1).astype(np.float32)
    pixels += strength * inside[..., None] * (moved - part)
    restyled = picture.copy()
    rgb = cv2.cvtColor(pixels, cv2.COLOR_LAB2RGB)
    levels = np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8)
    np.copyto(restyled[rows, columns], levels, where=inside[..., None] > 0)
    return restyled


def _box(share: Field) -> tuple[slice, slice]:
    """Rows and columns that hold all of a share."""
    left, top, width, height = cv2.boundingRect((share > 0).astype(np.uint8))
    return slice(top, top + height), slice(left, left + width)
