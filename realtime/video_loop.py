"""A video that is decoded beside the frames it stands behind, over and over."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Full, Queue

import numpy as np
from numpy.typing import NDArray

from realtime import film
from realtime.backdrop import filling
from realtime.errors import InputError

Picture = NDArray[np.uint8]

_AHEAD = 8  # pictures decoded ahead
_WAIT_S = 0.2


class VideoLoop:
    """Gives a picture a frame, at the video's own speed, and begins again at its end.

    With `patient` it waits for each picture, as a rendering may; else a late one is replaced by
    the one before, and nobody waits. A video that breaks later on is told to `report`, and its
    last picture stays.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        patient: bool = False,
        report: Callable[[str], None] = print,
    ) -> None:
        """`size` is (width, height) of the pictures; raises InputError without a first one."""
        self._size = size
        self._patient = patient
        self._pictures: Queue[Picture] = Queue(_AHEAD)
        self._last = next(_decoded(path, size))
        closed = threading.Event()
        self._thread = threading.Thread(
            target=_decode, args=(path, size, self._pictures, closed, report), daemon=True
        )
        weakref.finalize(self, closed.set)
        self._thread.start()

    def picture(self, size: tuple[int, int]) -> Picture:
        """The next picture, RGB uint8 [H, W, 3]."""
        while True:
            try:
                self._last = self._pictures.get(self._patient, _WAIT_S)
            except Empty:
                if self._patient and self._thread.is_alive():
                    continue
            return self._last if size == self._size else filling(self._last, size)


def _decode(
    path: Path,
    size: tuple[int, int],
    pictures: Queue[Picture],
    closed: threading.Event,
    report: Callable[[str], None],
) -> None:
    """Again and again, until nobody wants it."""
    try:
        while not closed.is_set():
            for picture in _decoded(path, size):
                while not closed.is_set():
                    try:
                        pictures.put(picture, timeout=_WAIT_S)
                        break
                    except Full:
                        continue
    except InputError as error:
        report(f"{error}; its last picture stays")


def _decoded(path: Path, size: tuple[int, int]) -> Iterator[Picture]:
    return (filling(picture, size) for picture in film.pictures(path))
