"""A contact sheet: chosen frames side by side, each with its word, in one PNG."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.clock import FRAME_RATE
from realtime.errors import OutputError
from realtime.frame import Frame

_CAPTION_ROWS = 36
# What a viewer looks at first, and the phones (ARPAbet or IPA) that show it.
MOMENTS: Mapping[str, frozenset[str]] = {
    "open vowel": frozenset({"AA", "AE", "AW", "AY", "ɑ", "æ", "W", "I"}),
    "closure": frozenset({"P", "B", "M", "p", "b", "m"}),
    "f / v": frozenset({"F", "V", "f", "v"}),
}
_SILENCES = frozenset({"sil", "SIL"})


class Phone(NamedTuple):
    """A phone and its time in the sound, seconds."""

    name: str
    start: float
    end: float


def read_phones(path: Path) -> list[Phone]:
    """Rows `phone, start_s, end_s` of a TSV file with a heading."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows, None)
        return [Phone(row[0].strip("ː"), float(row[1]), float(row[2])) for row in rows]


def moments(phones: list[Phone], blink: Callable[[int], float], frames: int) -> dict[str, int]:
    """The frame that shows each moment best: the longest such phone, the longest silence, and
    the first frame in which the eyes are most closed."""
    chosen = {}
    for word, names in {**MOMENTS, "silence": _SILENCES}.items():
        if fitting := [phone for phone in phones if phone.name in names]:
            longest = max(fitting, key=lambda phone: phone.end - phone.start)
            chosen[word] = int((longest.start + longest.end) / 2 * FRAME_RATE)
    chosen["blink"] = max(range(frames), key=blink)
    return {word: index for word, index in chosen.items() if index < frames}


def evenly(frames: int, count: int = 6) -> dict[str, int]:
    """`count` frames at equal distances, named by their seconds."""
    places = ((2 * k + 1) * frames // (2 * count) for k in range(count))
    return {f"{place / FRAME_RATE:.1f} s": place for place in places}


class ContactSheet:
    """An output that keeps the chosen frames and writes them as one PNG when it is closed."""

    def __init__(self, path: Path, chosen: Mapping[str, int]) -> None:
        if path.suffix.lower() != ".png":
            raise OutputError(f"expected a contact sheet ending in .png, found {path.name}")
        self._path = path
        self._chosen = chosen
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def __enter__(self) -> Self:
        return self

    def write(self, frame: Frame) -> None:
        if frame.index in self._chosen.values():
            self._kept[frame.index] = frame.image

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        tiles = [
            _captioned(self._kept[index], word)
            for word, index in self._chosen.items()
            if index in self._kept
        ]
        if kind is None and tiles:
            encoded = cv2.imencode(".png", np.concatenate(tiles, 1)[..., ::-1])[1]
            try:
                self._path.write_bytes(encoded.tobytes())
            except OSError as failure:
                raise OutputError(f"cannot write {self._path}: {failure.strerror}") from failure


def _captioned(image: NDArray[np.uint8], word: str) -> NDArray[np.uint8]:
    caption = np.full((_CAPTION_ROWS, image.shape[1], 3), 24, np.uint8)
    cv2.putText(
        caption, word, (12, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (235, 235, 235), 1, cv2.LINE_AA
    )
    return np.concatenate([image, caption])
