"""Who is in front: a soft matte of the person at the portrait's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.enroll.parse import Parsed
from realtime.face import Points
from realtime.regions import Region
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# In face heights; and how much of the picture's own contrast (0..1, squared) is no edge.
_REFINE_RADIUS, _REFINE_SOFTNESS = 0.015, 0.0004
# The filter leaves a veil far from edges: what lies beyond these is stretched away.
_VEIL = 0.06


def person_matte(picture: Picture, points: Points, parsed: Parsed) -> Picture:
    """RGB uint8 [H, W, 3] and landmarks in its pixels -> matte uint8 [H, W], 255 the person."""
    rough = 1 - parsed.share(Region.BACKGROUND, (picture.shape[1], picture.shape[0]))
    radius = max(2, round(_REFINE_RADIUS * face_height(points)))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    soft = guided_filter(grey, rough, radius, _REFINE_SOFTNESS)
    return np.asarray(np.clip((soft - _VEIL) / (1 - 2 * _VEIL), 0, 1) * 255 + 0.5, np.uint8)


def guided_filter(guide: Field, image: Field, radius: int, softness: float) -> Field:
    """`image` float32 [H, W] with edges where `guide` has them (He, Sun, Tang 2010)."""

    def mean(values: Field) -> Field:
        return np.asarray(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)), np.float32)

    guide_mean, image_mean = mean(guide), mean(image)
    variance = mean(guide * guide) - guide_mean**2
    slope = (mean(guide * image) - guide_mean * image_mean) / (variance + np.float32(softness))
    level = image_mean - slope * guide_mean
    return mean(slope) * guide + mean(level)
