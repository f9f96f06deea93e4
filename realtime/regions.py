"""The twelve face regions: names, order, colours, and pictures of a mask."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Region(IntEnum):
    """Class ids of a mask, in the order of every one-hot tensor."""

    BACKGROUND = 0
    SKIN = 1
    BROWS = 2
    EYES = 3
    NOSE = 4
    UPPER_LIP = 5
    LOWER_LIP = 6
    MOUTH = 7
    EARS = 8
    HAIR = 9
    BODY = 10
    ACCESSORIES = 11


REGIONS = len(Region)

COLOURS: NDArray[np.uint8] = np.array(
    [
        (32, 34, 40),
        (236, 188, 160),
        (112, 72, 48),
        (70, 130, 180),
        (222, 150, 116),
        (214, 90, 100),
        (180, 50, 76),
        (250, 246, 238),
        (200, 140, 170),
        (86, 58, 120),
        (64, 120, 92),
        (230, 200, 60),
    ],
    np.uint8,
)


def paint(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Class ids uint8 [H, W] -> RGB uint8 [H, W, 3]; raises IndexError on an unknown id."""
    return COLOURS[mask]


def one_hot(mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Class ids uint8 [H, W] -> float32 [12, H, W] of 0 and 1."""
    return np.ascontiguousarray(np.eye(REGIONS, dtype=np.float32)[mask].transpose(2, 0, 1))
