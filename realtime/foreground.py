"""The person's edges: the old room taken out of their colours, the light of a new one let in."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# Of the picture's longer side: colours come from afar first, then from close by.
_RADII = (0.1, 0.008)
# How far a new room's light reaches around an edge, and how much of it does.
_WRAP_RADIUS, _WRAP = 0.006, 0.5
_PURE = 4  # mixed pixels speak little for either: their share counts to this power


def foreground(picture: Picture) -> Picture:
    """Colours and matte uint8 [H, W, 4] -> the same matte, with the room taken out of the colours.

    Forte, Approximate Fast Foreground Colour Estimation (ICIP 2021): F = f + a (I - a f - (1-a) b),
    with f and b the means of person and room nearby, pixels weighted by how purely they are either.
    """
    seen = picture[..., :3].astype(np.float32)
    share = picture[..., 3:].astype(np.float32) / np.float32(255)
    person, room = seen, seen
    for radius in _RADII:
        side = 2 * max(1, round(radius * max(picture.shape))) + 1
        near = _mean(person, share**_PURE, side)
        behind = _mean(room, (1 - share) ** _PURE, side)
        person = np.clip(near + share * (seen - share * near - (1 - share) * behind), 0, 255)
        room = behind
    return np.dstack([np.round(person).astype(np.uint8), picture[..., 3]])


def light_wrap(picture: Picture, behind: Picture) -> Picture:
    """Colours and matte uint8 [H, W, 4] -> the same matte, and edges into which the light of RGB
    [H, W, 3] behind them bleeds, out of focus, as through a lens."""
    seen = picture[..., :3].astype(np.float32)
    share = picture[..., 3:].astype(np.float32) / np.float32(255)
    room = np.dstack([behind * (1 - share), 1 - share])
    light = cv2.GaussianBlur(room, (0, 0), _WRAP_RADIUS * max(picture.shape))
    lit = seen + _WRAP * share * (light[..., :3] - light[..., 3:] * seen)
    return np.dstack([np.round(lit).astype(np.uint8), picture[..., 3]])


def _mean(values: Field, weights: Field, side: int) -> Field:
    total = cv2.blur(values * weights, (side, side))
    return np.asarray(total / (cv2.blur(weights, (side, side))[..., None] + 1e-5), np.float32)
