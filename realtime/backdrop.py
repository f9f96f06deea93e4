"""What is shown behind the person in place of the room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_GREATEST_BLUR = 0.06  # of the frame's height
COLOURS = {
    "black": "#000000",
    "white": "#ffffff",
    "grey": "#808080",
    "blue": "#2f5d8c",
    "green": "#3f7d58",
    "beige": "#d9cfbf",
}


@dataclass(frozen=True)
class Blur:
    """The room itself, out of focus; `strength` 0..1, ValueError beyond."""

    strength: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"expected a blur of 0 to 1, found {self.strength:g}")

    def of(self, shown: Picture) -> Picture:
        """The frame as photographed, uint8 [H, W, 4] with its matte -> RGB [H, W, 3]."""
        # Only background pixels enter the blur, or the person would glow into it.
        share = 1 - shown[..., 3:].astype(np.float32) / np.float32(255)
        weighted = np.dstack([shown[..., :3] * share, share + np.float32(1e-4)])
        sigma = max(_GREATEST_BLUR * self.strength * len(shown), 0.1)
        soft = cv2.GaussianBlur(weighted, (0, 0), sigma)
        return np.asarray(np.clip(soft[..., :3] / soft[..., 3:], 0, 255), np.uint8)


class Scene(Protocol):
    """A video behind the person."""

    def picture(self, size: tuple[int, int]) -> Picture:
        """What is shown in the next frame, RGB uint8 [H, W, 3] of `size` (width, height)."""


# None is the room as photographed; a picture is RGB uint8 [h, w, 3] of any size.
Background = Blur | Picture | Scene | None


def background(words: str) -> Background:
    """'none', 'blur', 'blur=STRENGTH', or a colour as '#rrggbb' or by its name; ValueError."""
    if words == "none":
        return None
    kind, has_strength, strength = words.partition("=")
    if kind == "blur":
        return Blur(float(strength)) if has_strength else Blur()
    return colour(words)


def colour(words: str) -> Picture:
    """'#rrggbb' or a name of COLOURS -> a picture of that colour; ValueError if it is none."""
    code = COLOURS.get(words, words)
    if not re.fullmatch("#[0-9a-fA-F]{6}", code):
        raise ValueError(f"expected a colour like #335577 or {', '.join(COLOURS)}, found {words}")
    return np.frombuffer(bytes.fromhex(code[1:]), np.uint8).reshape(1, 1, 3)


def filling(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture, as much of it as fills `size` (width, height)."""
    width, height = size
    zoom = max(width / picture.shape[1], height / picture.shape[0])
    larger = round(picture.shape[1] * zoom), round(picture.shape[0] * zoom)
    smooth = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    filled = cv2.resize(picture, larger, interpolation=smooth)
    left, top = (larger[0] - width) // 2, (larger[1] - height) // 2
    return np.asarray(filled[top : top + height, left : left + width], np.uint8)
