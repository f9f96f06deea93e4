from __future__ import annotations

import threading
from typing import Self

import numpy as np

from realtime.clock import FRAME_SAMPLES
from realtime.errors import OutputError
from realtime.frame import Frame
from realtime.outputs.feed import Feed
from realtime.outputs.schedule import Backlog, Schedule

PATIENCE_S = 30.0


def frame(index: int) -> Frame:
    return Frame(index, np.zeros((2, 2, 3), np.uint8), np.zeros(FRAME_SAMPLES, np.int16))


class Gate:
    """An output that blocks until it is opened, and breaks at frame `breaks_at`."""

    def __init__(self, breaks_at: int = -1) -> None:
        self.opened = threading.Event()
        self.reached = threading.Event()
        self.written: list[int] = []
        self.exits: list[type[BaseException] | None] = []
        self._breaks_at = breaks_at

    def write(self, frame: Frame) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_S)
        if frame.index == self._breaks_at:
            raise OutputError("the disk is full")
        self.written.append(frame.index)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.exits.append(kind)


def test_everything_is_written_in_order_before_the_end() -> None:
    gate = Gate()
    gate.opened.set()
    with Feed(gate, Backlog(100), print) as feed:
        for index in range(50):
            feed.put(frame(index), 0.0)
    assert gate.written == list(range(50))
    assert gate.exits == [None]


def test_an_output_that_blocks_stops_nobody() -> None:
    gate = Gate()
    with Feed(gate, Schedule(limit=10), print, clock=lambda: 1e9) as feed:
        feed.put(frame(0), 0.0)
        assert gate.reached.wait(PATIENCE_S)
        for index in range(1, 1000):
            feed.put(frame(index), index / 25)
        gate.opened.set()
    assert gate.written == [0, 999]
    assert feed.dropped == 998


def test_an_output_that_fails_is_given_up_and_told_once() -> None:
    gate, told = Gate(breaks_at=1), list[str]()
    gate.opened.set()
    with Feed(gate, Backlog(100), told.append) as feed:
        for index in range(50):
            feed.put(frame(index), 0.0)
    feed.put(frame(50), 0.0)
    assert gate.written == [0]
    assert gate.exits == [OutputError]
    assert told == ["the disk is full; the call goes on without it"]
