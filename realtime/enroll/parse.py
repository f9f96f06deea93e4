"""What every pixel of a portrait is, as the face parser sees it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from realtime.face import Points
from realtime.models.face_parser import CLASSES, FACE_PX, STRIDE, FaceParser, network_input
from realtime.regions import Region
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]


class Parsed(NamedTuple):
    """shares: float32 [7, h, w], how much of each pixel is which of CLASSES, seen small. factor:
    pixels of that picture for each of the portrait's."""

    shares: Field
    factor: float

    def share(self, region: Region, size: tuple[int, int]) -> Field:
        """One class at a (width, height) of the whole picture: float32 [H, W], 0..1."""
        small = np.ascontiguousarray(self.shares[CLASSES.index(region)])
        large = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(large, 0, 1), np.float32)


@torch.inference_mode()
def parse(parser: FaceParser, picture: Picture, points: Points) -> Parsed:
    """RGB uint8 [H, W, 3] and landmarks float32 [478, 3] in its pixels -> what its pixels are."""
    factor = FACE_PX / face_height(points)
    width, height = (max(1, round(side * factor)) for side in picture.shape[1::-1])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    right, below = -width % STRIDE, -height % STRIDE
    padded = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REPLICATE)
    seen = network_input(np.asarray(padded, np.uint8), points * np.float32(factor))
    shares = parser(torch.from_numpy(seen)[None])[0].softmax(0).numpy()
    return Parsed(np.ascontiguousarray(shares[:, :height, :width], np.float32), factor)
