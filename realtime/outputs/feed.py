"""A thread that hands frames to an output in time, so that an output that blocks stops nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from realtime.errors import OutputError
from realtime.frame import Frame
from realtime.outputs.output import Output
from realtime.outputs.schedule import Queue
from realtime.worker import Worker

_PATIENCE_S = 5.0


class Feed(Worker):
    """Owns `output` from enter to exit. An output that fails is given up and reported, once.

    On leaving, frames still waiting are written first; an output that blocks for five seconds
    longer is abandoned.
    """

    def __init__(
        self,
        output: Output,
        queue: Queue,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("feed", _PATIENCE_S)
        self._output = output
        self._queue = queue
        self._report = report
        self._clock = clock
        self._changed = threading.Condition()

    @property
    def dropped(self) -> int:
        return self._queue.dropped

    def put(self, frame: Frame, due: float) -> None:
        """Never blocks; what is dropped when the output is slow, the queue says."""
        with self._changed:
            if not self._ended.is_set():
                self._queue.put(frame, due)
                self._changed.notify()

    def _work(self) -> None:
        try:
            with self._output:
                while (frame := self._next()) is not None:
                    self._output.write(frame)
        except OutputError as error:
            self._report(f"{error}; the call goes on without it")
            self._ended.set()

    def _next(self) -> Frame | None:
        """Waits for the next frame's time; None at the end, when nothing is left."""
        with self._changed:
            while True:
                due = self._queue.next_due()
                if due is None and self._ended.is_set():
                    return None
                now = self._clock()
                frame = self._queue.pop(now)
                if frame is not None:
                    return frame
                self._changed.wait(None if due is None else due - now)

    def _end(self) -> None:
        super()._end()
        with self._changed:
            self._changed.notify()
