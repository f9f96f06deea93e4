"""A recording of a call: without holes, and ended in time when the disk fills up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from realtime.clock import FRAME_RATE, FRAME_SAMPLES
from realtime.frame import Frame
from realtime.outputs.output import Output

# Ending an MP4 writes its table of contents: an hour needs about 3 MB.
KEPT_FREE_BYTES = 64 << 20


def free_bytes(path: Path) -> int:
    """Room left on the disk where `path` is."""
    return shutil.disk_usage(path.parent).free


class Recording:
    """Writes to `file`; frames dropped on the way are the picture before and silence.

    When the disk is nearly full the file is ended, so that it is whole, `report` is told, and
    what follows is not recorded.
    """

    def __init__(
        self,
        file: Output,
        path: Path,
        report: Callable[[str], None],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._file = file
        self._path = path
        self._report = report
        self._free = free
        self._last: Frame | None = None
        self._ended = False

    def write(self, frame: Frame) -> None:
        """Adds one frame; its index may leave some out."""
        if self._ended:
            return
        if frame.index % FRAME_RATE == 0 and self._free(self._path) < KEPT_FREE_BYTES:
            self._end("the disk is nearly full")
            return
        self._fill_up_to(frame)
        self._file.write(frame)
        self._last = frame

    def _fill_up_to(self, frame: Frame) -> None:
        if self._last is None:
            return
        for index in range(self._last.index + 1, frame.index):
            silence = np.zeros(FRAME_SAMPLES, np.int16)
            self._file.write(Frame(index, self._last.image, silence))

    def _end(self, why: str) -> None:
        self._ended = True
        self._file.__exit__(None, None, None)
        self._report(f"{why}: the recording ended and is kept in {self._path}; the call goes on")

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._ended:
            self._file.__exit__(kind, error, trace)
