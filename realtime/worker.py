"""Work done beside the program while a context is entered."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self


class Worker(ABC):
    """A context with a thread of its own, which does `_work` from enter to exit.

    `_work` returns soon after `_ended` is set; one that has not after `patience_s` is abandoned.
    """

    def __init__(self, name: str, patience_s: float | None = None) -> None:
        self._ended = threading.Event()
        self._patience_s = patience_s
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @abstractmethod
    def _work(self) -> None:
        """All that the thread does."""

    def _end(self) -> None:
        """Asks the thread to end; also wakes it where it waits for something else."""
        self._ended.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._thread.join(self._patience_s)
