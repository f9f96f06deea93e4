"""The face parser: which part of a portrait is hair, skin, brow, ear, body, accessory or room.

Eyes, nose and lips are the landmarks' to draw; the inner face is given to the network as pictures,
with the place of every pixel relative to the face.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.face import BROWS, NOSE, OVAL, Points, eye_centres, eye_polygons, lip_polygons
from realtime.models.weights import default_path, load_weights
from realtime.regions import Region
from realtime.view import face_height

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]

# What the network tells apart, in the order of its outputs.
CLASSES = (
    Region.BACKGROUND,
    Region.SKIN,
    Region.EARS,
    Region.HAIR,
    Region.BODY,
    Region.ACCESSORIES,
    Region.BROWS,
)
# The network sees faces this many pixels high, in pictures whose sides are multiples of STRIDE.
FACE_PX = 112
STRIDE = 32
INPUTS = 7
_WIDTHS = (24, 48, 80, 128, 160)
_FINE = 12
# Beyond this many face heights from the face it does not matter where a pixel is.
_FAR = 1.2


class FaceParser(nn.Module):
    """A U-Net of residual blocks from half the resolution down to a 32nd; a thin finest level."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(INPUTS, _WIDTHS[0], 5, stride=2, padding=2)
        self.down = nn.ModuleList(
            nn.Conv2d(into, out, 3, stride=2, padding=1)
            for into, out in itertools.pairwise(_WIDTHS)
        )
        self.inward = nn.ModuleList(Block(width) for width in _WIDTHS)
        self.up = nn.ModuleList(
            nn.Conv2d(into, out, 1) for out, into in itertools.pairwise(_WIDTHS)
        )
        self.outward = nn.ModuleList(Block(width) for width in _WIDTHS[:-1])
        self.finest = nn.Conv2d(INPUTS, _FINE, 3, padding=1)
        self.widest = nn.Conv2d(_WIDTHS[0], _FINE, 1)
        self.last = nn.Conv2d(_FINE, len(CLASSES), 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Input [N, 7, h, w] of `network_input`, sides multiples of 32 -> logits [N, 7, h, w]."""
        return self.decide(x, self.features(x))

    def features(self, x: Tensor) -> list[Tensor]:
        """What is seen in the input at a half, a quarter .. a 32nd of its resolution."""
        levels = [self.inward[0](self.stem(x))]
        for down, block in zip(self.down, self.inward[1:], strict=True):
            levels.append(block(down(F.silu(levels[-1]))))
        return levels

    def decide(self, x: Tensor, levels: list[Tensor]) -> Tensor:
        """Logits [N, 7, h, w] of the input and its `features`."""
        fine = self.finest(x)
        # What the whole picture is like, everywhere.
        x = levels[-1] + levels[-1].mean((2, 3), keepdim=True)
        for up, block, level in zip(
            reversed(self.up), reversed(self.outward), levels[-2::-1], strict=True
        ):
            x = block(level + _doubled(up(x)))
        logits: Tensor = self.last(F.silu(fine + _doubled(self.widest(x))))
        return logits


class Block(nn.Module):
    """x + convolutions of x, normalised by group: [N, C, h, w] -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.silu(self.first(F.silu(self.norm(x)))))
        return x + change


def network_input(picture: Picture, points: Points) -> Field:
    """What the network sees: float32 [7, h, w].

    RGB uint8 [h, w, 3] and landmarks [478, >=2] in its pixels; then the face oval, the inner face,
    and each pixel's place beside the eyes in face heights.
    """
    height, width = picture.shape[:2]
    lips = lip_polygons(points).values()
    inner = [points[list(line)] for line in (*BROWS, NOSE)] + [*eye_polygons(points), *lips]
    x, y = eye_centres(points).mean(0)
    face = face_height(points)
    across, down = ((np.arange(n) - at) / face for n, at in ((width, x), (height, y)))
    return np.stack(
        [
            *(picture.transpose(2, 0, 1).astype(np.float32) / 255 - 0.5),
            _drawn([points[list(OVAL)]], (height, width)),
            _drawn(inner, (height, width)),
            np.broadcast_to(np.clip(across, -_FAR, _FAR), (height, width)),
            np.broadcast_to(np.clip(down, -_FAR, _FAR)[:, None], (height, width)),
        ]
    ).astype(np.float32)


def _drawn(polygons: Sequence[Points], shape: tuple[int, int]) -> Field:
    image = np.zeros(shape, np.uint8)
    for polygon in polygons:
        corners = np.round(polygon[:, :2] * 16).astype(np.int32)
        cv2.fillPoly(image, [corners], 255, cv2.LINE_AA, shift=4)
    return image.astype(np.float32) / np.float32(255)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def shipped_path() -> Path:
    """Where the shipped weights of the parser lie: only enrolment and editing need them."""
    return default_path().with_name("face_parser.safetensors")


def load_parser(path: Path | None = None) -> FaceParser:
    """The shipped parser, or that of `path`; raises ModelError when missing or damaged."""
    parser = FaceParser()
    load_weights(path or shipped_path()).restore("parser", parser)
    return parser
