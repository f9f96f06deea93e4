"""RGB to I420, which video encoders and cameras take: BT.601 in video range, colour half as large.

    Y  =  16 + ( 65.481 R + 128.553 G +  24.966 B) / 255
    Cb = 128 + (-37.797 R -  74.203 G + 112.000 B) / 255
    Cr = 128 + (112.000 R -  93.786 G -  18.214 B) / 255

Y of each pixel; Cb and Cr of the mean of each two by two.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Implementation = Literal["auto", "reference", "opencv"]
Planes = NDArray[np.uint8]

# Rows Y, Cb, Cr; columns R, G, B, and what is added.
_BT601 = np.array(
    [
        [65.481, 128.553, 24.966, 16 * 255],
        [-37.797, -74.203, 112.0, 128 * 255],
        [112.0, -93.786, -18.214, 128 * 255],
    ]
)
# Colour differences in full range, 1 to 255, as those of video range, 16 to 240.
_NARROWED = np.round(128 + (np.arange(256) - 128) * 224 / 255).astype(np.uint8)


def rgb_to_i420(image: NDArray[np.uint8], *, impl: Implementation = "auto") -> Planes:
    """RGB uint8 [H, W, 3], both sides even -> Y above Cb above Cr: uint8 [H * 3 / 2, W].

    `reference` is the formula in float64; `auto` is `opencv`, which is within a level of it.
    """
    return _reference(image) if impl == "reference" else _opencv(image)


def _reference(image: NDArray[np.uint8]) -> Planes:
    height, width = image.shape[:2]
    quads = image.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))
    luma = image @ _BT601[0, :3] + _BT601[0, 3]
    chroma = quads @ _BT601[1:, :3].T + _BT601[1:, 3]
    planes = np.concatenate([luma.ravel(), np.moveaxis(chroma, -1, 0).ravel()]) / 255
    return np.round(planes).astype(np.uint8).reshape(-1, width)


def _opencv(image: NDArray[np.uint8]) -> Planes:
    planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), np.uint8)
    # OpenCV takes the colour of one pixel in four, which is jagged where colours meet: once more.
    height, width = image.shape[:2]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.LUT(cv2.cvtColor(half, cv2.COLOR_RGB2YCrCb), _NARROWED)
    blue, red = planes[height:].reshape(2, height // 2, width // 2)
    cv2.mixChannels([chroma], [blue, red], [2, 0, 1, 1])
    return planes
