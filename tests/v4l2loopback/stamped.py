"""Pictures that carry a number, a time and known colours in their pixels."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.frame import Picture

_BITS = 32
_COLOURS = np.array(
    [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (128, 128, 128), (225, 172, 140)],
    np.uint8,
)


class Stamp(NamedTuple):
    """What a picture says: its number, when it was drawn (ms of one clock, modulo 2 ** 32), and
    by how many levels its colours are off, at worst."""

    number: int
    time_ms: int
    colour_error: int


def draw(index: int, time_ms: int, size: tuple[int, int]) -> Picture:
    """RGB uint8 [H, W, 3]: a row of bits for the number, one for the time, bars of colour."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    for row, number in enumerate((index, time_ms)):
        bits = number >> np.arange(_BITS) & 1
        image[_row(height, row), :] = np.repeat(bits * 255, width // _BITS)[:, np.newaxis]
    for place, colour in zip(_bars(size), _COLOURS, strict=True):
        image[height // 4 :, place] = colour
    return image


def read(image: Picture) -> Stamp:
    """What `draw` wrote, after any way that keeps the size."""
    height, width = image.shape[:2]
    numbers = []
    for row in range(2):
        middle = image[_row(height, row)][height // 16, :, 1]
        bits = middle[width // _BITS // 2 :: width // _BITS][:_BITS] > 127
        numbers.append(sum(1 << place for place, bit in enumerate(bits) if bit))
    return Stamp(numbers[0], numbers[1], _colour_error(image))


def _colour_error(image: Picture) -> int:
    """Inside the bars: chroma is halved, so their borders mix."""
    height, width = image.shape[:2]
    inner: list[NDArray[np.int16]] = [
        image[height // 4 + 8 : -8, bar.start + 8 : bar.stop - 8].astype(np.int16)
        for bar in _bars((width, height))
    ]
    pairs = zip(inner, _COLOURS.astype(np.int16), strict=True)
    return max(int(np.abs(part - colour).max()) for part, colour in pairs)


def _row(height: int, row: int) -> slice:
    return slice(row * height // 8, (row + 1) * height // 8)


def _bars(size: tuple[int, int]) -> list[slice]:
    edges = np.linspace(0, size[0], len(_COLOURS) + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]
