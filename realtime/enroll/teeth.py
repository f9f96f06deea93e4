"""A smile's own teeth, where the portrait shows them, in place of the default denture's."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import EYE_DISTANCE, WHOLE, Points, coverage, lip_gap, lip_polygons
from realtime.mouth_plate import MouthPlate
from realtime.regions import Region

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# In eye distances: a mouth less open shows too little to be of use.
_LEAST_GAP = 0.06
# Teeth are at least this bright against the brightest of the mouth, and this grey (least over
# greatest channel); so much of the opening must be teeth.
_BRIGHT, _GREY, _LEAST_SHARE = 0.6, 0.62, 0.6
_LIP_EDGE, _SOFT = 3, 0.7  # pixels: the rim of the opening is half lip


def with_own_teeth(plate: MouthPlate, crop: Picture, points: Points) -> MouthPlate:
    """The plate with the upper teeth of RGB `crop` [256, 256, 3], if its mouth shows enough.

    `points` are the crop's canonical landmarks as they are, lips not closed. A smile raises the
    upper lip as far as speech does, so nothing is missing above the teeth it shows.
    """
    if lip_gap(points) < _LEAST_GAP * EYE_DISTANCE:
        return plate
    inside = coverage(lip_polygons(points)[Region.MOUTH], WHOLE)
    if _teeth(crop, inside).sum() < _LEAST_SHARE * inside.sum():
        return plate
    narrower = cv2.erode(inside, np.ones((_LIP_EDGE, _LIP_EDGE), np.uint8))
    alpha = 255 * cv2.GaussianBlur(narrower, (0, 0), _SOFT) + np.float32(0.5)
    return replace(plate, upper=np.dstack([crop, alpha.astype(np.uint8)]))


def _teeth(crop: Picture, inside: Field) -> NDArray[np.bool_]:
    """Pixels of the opening that are bright and grey as teeth are: bool [256, 256]."""
    brightness = crop.max(2).astype(np.float32)
    opening = inside > 0.5
    if not opening.any():
        return opening
    bright = brightness > _BRIGHT * np.quantile(brightness[opening], 0.95)
    return np.asarray(opening & bright & (crop.min(2) > _GREY * brightness))
