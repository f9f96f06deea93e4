"""A drawn face for tests: 478 plausible landmarks, without any model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime import face
from realtime.face import EYE_DISTANCE, EYE_HEIGHT, LANDMARKS, Points


def drawn_face(gap: float = 0.0) -> Points:
    """Canonical points float32 [478, 2] of a face whose lips are `gap` px apart."""
    points = np.full((LANDMARKS, 2), 128.0, np.float32)
    angles = np.linspace(0, 2 * np.pi, len(face.OVAL), endpoint=False) - np.pi / 2
    points[list(face.OVAL)] = _ellipse((128, 130), (80, 104), angles)
    for side, (outer, inner) in zip((-1, 1), face.EYE_CORNERS, strict=True):
        middle = 128 + side * EYE_DISTANCE / 2
        points[outer] = middle + side * 14, EYE_HEIGHT
        points[inner] = middle - side * 14, EYE_HEIGHT
    for eye, lids in enumerate((face.UPPER_LIDS, face.LOWER_LIDS, face.LID_FOLDS)):
        lift = (-5, 4, -10)[eye]
        for side, row in zip((-1, 1), lids, strict=True):
            across = np.linspace(side * 12, -side * 12, len(row))
            bow = lift * np.sqrt(1 - (across / 14) ** 2)
            middle = 128 + side * EYE_DISTANCE / 2
            points[list(row)] = np.stack([middle + across, EYE_HEIGHT + bow], 1)
    across = np.linspace(-1, 1, 11)
    bow = 1 - across**2
    rows = (
        (face.OUTER_UPPER_LIP, 34, -9 * bow - gap / 2 * bow),
        (face.INNER_UPPER_LIP, 28, -gap / 2 * bow),
        (face.INNER_LOWER_LIP, 28, gap / 2 * bow),
        (face.OUTER_LOWER_LIP, 34, 11 * bow + gap / 2 * bow),
    )
    for lip, width, rise in rows:
        points[list(lip)] = np.stack([128 + width * across, 176 + rise], 1)
    return points


def _ellipse(
    centre: tuple[float, float], radii: tuple[float, float], angles: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack(
        [centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], 1
    )
