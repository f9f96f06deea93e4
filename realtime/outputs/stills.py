"""Pictures that are made, not generated: a picture in a frame of another shape, and a pause."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Picture

_PAUSE_TEXT = "Be right back"


def letterbox(image: Picture, size: tuple[int, int]) -> Picture:
    """RGB uint8 [H, W, 3] scaled whole into `size` (width, height), black where it does not reach.

    A picture of that size already is given back as it is.
    """
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    inner = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas: Picture = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return canvas


def be_right_back(image: Picture) -> Picture:
    """The picture, RGB uint8 [H, W, 3], out of focus and dark, and the words over it."""
    height, width = image.shape[:2]
    still = cv2.GaussianBlur(image, (0, 0), width / 40) // 3
    thickness = max(1, width // 320)
    scale = width / 2 / cv2.getTextSize(_PAUSE_TEXT, cv2.FONT_HERSHEY_DUPLEX, 1, thickness)[0][0]
    text = cv2.getTextSize(_PAUSE_TEXT, cv2.FONT_HERSHEY_DUPLEX, scale, thickness)[0]
    place = ((width - text[0]) // 2, (height + text[1]) // 2)
    white = (255, 255, 255)
    cv2.putText(
        still, _PAUSE_TEXT, place, cv2.FONT_HERSHEY_DUPLEX, scale, white, thickness, cv2.LINE_AA
    )
    return np.asarray(still, np.uint8)
