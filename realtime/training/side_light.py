"""Light that falls on a picture from one side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def side_light(side: int, most: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """How bright each pixel of a square is, 1 in its middle: float64 [side, side, 1].

    most: the greatest strength that is drawn.
    """
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, most)
    light = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y)
    return np.asarray(light[..., None], np.float64)
