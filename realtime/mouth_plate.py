"""What lies behind the lips: upper teeth fixed to the skull, lower teeth and tongue to the jaw."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import (
    CROP,
    INNER_LOWER_LIP,
    INNER_UPPER_LIP,
    OVAL,
    Points,
    eye_polygons,
)

Picture = NDArray[np.uint8]

# A plate is a small picture that lies in the canonical crop with its closed lip line on one row.
PLATE_ROWS, PLATE_COLUMNS, PLATE_LIP_ROW = 96, 112, 48
CAVITY = (0.34, 0.15, 0.17)  # RGB of the dark behind, before the picture's light

_MOUTH_WIDTH = 61.7  # of the head the denture was drawn from, canonical pixels
_SCALE_RANGE = (0.85, 1.2)
_WHITE_OF_EYE = (0.74, 0.72, 0.71)  # in the light the denture was drawn in
_BRIGHT_SKIN = 0.72  # teeth are never darker than this share of the brightest skin says
_CAST_KEPT = 0.55
_LIGHT_RANGE = (0.45, 1.2)
# A lower incisor drops a little less than the chin: it lies nearer to the jaw's hinge.
INCISOR_DROP = 0.9


@dataclass(frozen=True)
class MouthPlate:
    """Two RGBA pictures uint8 [256, 256, 4] in the canonical crop, jaw closed."""

    upper: Picture
    lower: Picture
    light: NDArray[np.float32]

    def compose(self, window: tuple[slice, slice], jaw: float) -> NDArray[np.float32]:
        """The plate with the jaw lowered by `jaw` canonical px: RGB float32 [h, w, 3], 0..1."""
        rows, columns = window
        height, width = rows.stop - rows.start, columns.stop - columns.start
        shift = np.array([[1, 0, -columns.start], [0, 1, INCISOR_DROP * jaw - rows.start]])
        lower = cv2.warpAffine(self.lower, shift, (width, height), flags=cv2.INTER_LINEAR)
        picture = np.empty((height, width, 3), np.float32)
        picture[:] = np.array(CAVITY, np.float32) * self.light
        for layer in (lower, self.upper[window]):
            *colours, alpha = cv2.split(layer.astype(np.float32) / np.float32(255))
            picture = cv2.blendLinear(cv2.merge(colours), picture, alpha, 1 - alpha)
        return np.asarray(picture, np.float32)


def default_denture() -> Picture:
    """The shipped denture, upper jaw above lower: RGBA uint8 [192, 112, 4]."""
    data = np.frombuffer((files("realtime") / "assets" / "denture.png").read_bytes(), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    assert decoded is not None, "assets/denture.png is damaged"
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA), np.uint8)


def mouth_light(crop: Picture, points: Points) -> NDArray[np.float32]:
    """Colour of the light on a face, float32 [3], 1 being the denture's own: from the eyes' white.

    `crop` is RGB uint8 [256, 256, 3]; a part of the colour cast is kept, all of the brightness.
    Narrow eyes show lashes more than white, so bright skin sets the least brightness.
    """
    light = _bright(crop, eye_polygons(points), 0.75, 0.95) / np.array(_WHITE_OF_EYE, np.float32)
    skin = _bright(crop, [points[list(OVAL)]], 0.80, 0.90).mean() / _BRIGHT_SKIN
    cast = 1 + _CAST_KEPT * (light / light.mean() - 1)
    light = cast * max(light.mean(), skin)
    return np.asarray(np.clip(light, *_LIGHT_RANGE), np.float32)


def _bright(crop: Picture, polygons: list[Points], low: float, high: float) -> NDArray[np.float32]:
    """Mean RGB, 0..1, of the pixels inside whose grey lies between two quantiles: float32 [3]."""
    inside = np.zeros(crop.shape[:2], np.uint8)
    for polygon in polygons:
        cv2.fillPoly(inside, [np.round(polygon).astype(np.int32)], 1)
    pixels = crop[inside > 0].astype(np.float32) / np.float32(255)
    grey = pixels.mean(1)
    chosen = (grey >= np.quantile(grey, low)) & (grey <= np.quantile(grey, high))
    return np.asarray(pixels[chosen].mean(0) + np.float32(1e-3))


def fit_denture(
    denture: Picture, closed: Points, light: NDArray[np.float32], *, scale: float = 1.0
) -> MouthPlate:
    """The denture behind the closed lips of canonical points, as wide as the mouth asks.

    `scale` multiplies the fitted size, for variety in training.
    """
    width = float(closed[308, 0] - closed[78, 0])
    size = scale * float(np.clip((width + 8.0) / _MOUTH_WIDTH, *_SCALE_RANGE))
    middle = closed[[*INNER_UPPER_LIP[4:7], *INNER_LOWER_LIP[4:7]]].mean(0)
    place = np.array(
        [
            [size, 0, middle[0] - size * PLATE_COLUMNS / 2],
            [0, size, middle[1] - size * PLATE_LIP_ROW],
        ],
        np.float32,
    )
    upper, lower = (
        _lit(cv2.warpAffine(jaw, place, (CROP, CROP), flags=cv2.INTER_AREA), light)
        for jaw in (denture[:PLATE_ROWS], denture[PLATE_ROWS:])
    )
    return MouthPlate(upper, lower, light)


def _lit(picture: NDArray[Any], light: NDArray[np.float32]) -> Picture:
    lit: Picture = picture.astype(np.uint8)
    lit[..., :3] = np.clip(picture[..., :3] * light, 0, 255)
    return lit
