"""A portrait's open mouth painted over with its lips.

When its lips close, what lay between them is squeezed to a line: of teeth that line would be white.
What an opening shows is the plate's to say.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import Points, eye_centres, lip_gap, lip_polygons
from realtime.regions import Region

Picture = NDArray[np.uint8]

# In eye distances: lips less apart than this touch; and the rim of the opening, half lip.
_LEAST_GAP, _RIM = 0.02, 0.02
# A mouth open this wide is not sealed well: its lips do not meet.
_WIDE = 0.5
_SEAM = 0.45  # between lips it is as dark


def sealed(picture: Picture, points: Points) -> Picture:
    """RGB uint8 [H, W, 3] with landmarks [478, >=2] in its pixels -> the same, no mouth showing."""
    apart = _between_eyes(points)
    if lip_gap(points) < _LEAST_GAP * apart:
        return picture
    opening = np.zeros(picture.shape[:2], np.uint8)
    outline = np.round(lip_polygons(points)[Region.MOUTH]).astype(np.int32)
    cv2.fillPoly(opening, [outline], 255)
    rim = max(1, round(_RIM * apart))
    brush = np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)
    lips = cv2.inpaint(picture, cv2.dilate(opening, brush), rim, cv2.INPAINT_TELEA)
    inner = cv2.erode(opening, brush).astype(np.float32) / 255
    shade = 1 - (1 - _SEAM) * cv2.GaussianBlur(inner, (0, 0), rim)
    return np.asarray(np.round(lips * shade[..., None]), np.uint8)


def is_wide_open(points: Points) -> bool:
    """Whether the mouth of landmarks [478, >=2] stands so open that its lips will not close."""
    return lip_gap(points) > _WIDE * _between_eyes(points)


def _between_eyes(points: Points) -> float:
    return float(np.linalg.norm(np.subtract(*eye_centres(points))))
