"""Pictures waiting for their moment."""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from realtime.clock import FRAME_RATE, frame_time
from realtime.frame import Frame

CAMERA_RATES = (25, 30)
# At 30 a second a picture may come up to three quarters of a frame before its tick, or it would be
# up to 27 ms behind its sound; so it is at most 20 ms early and 7 ms late.
_EARLY_FRAMES = 0.75
# While a playout wins back lost time, sound moves by up to 2 ms a frame: the picture then lags by
# this many times that.
_FORGOTTEN_PART = 4
_JUMP_S = 0.03


class Queue(Protocol):
    """Frames between the loop and an output's thread; bounded."""

    @property
    def dropped(self) -> int:
        """Frames that will never be written."""

    def put(self, frame: Frame, due: float) -> None:
        """Takes a frame to be shown at `due`, s."""

    def next_due(self) -> float | None:
        """When `pop` will next give something, s; None when empty."""

    def pop(self, now: float) -> Frame | None:
        """The frame for this moment, if there is a new one."""


class MediaClock:
    """From frame numbers to seconds: even steps of 40 ms through jittery times.

    Follows slow drift; a jump of more than 30 ms is followed at once.
    """

    def __init__(self) -> None:
        self._offset = -math.inf

    def place(self, index: int, due: float) -> float:
        """The smoothed time of frame `index`, for which `due` was measured."""
        error = due - frame_time(index) - self._offset
        if abs(error) < _JUMP_S:
            self._offset += error / _FORGOTTEN_PART
        else:
            self._offset = due - frame_time(index)
        return frame_time(index) + self._offset


class Schedule:
    """Gives each picture at its time on the media clock, 25 or 30 times a second.

    Holds at most `limit` showings: when an output blocks, the oldest are dropped, and `pop` gives
    only the newest picture that is due. Both are counted.
    """

    def __init__(self, rate: int = FRAME_RATE, limit: int = 12) -> None:
        if rate not in CAMERA_RATES:
            raise ValueError(f"a camera runs at one of {CAMERA_RATES} fps, found {rate}")
        self._rate = rate
        self._limit = limit
        self._clock = MediaClock()
        self._showings: deque[tuple[float, Frame]] = deque()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        return self._dropped

    def put(self, frame: Frame, due: float) -> None:
        due = self._clock.place(frame.index, due)
        ticks = self._rate / FRAME_RATE
        first = math.ceil(frame.index * ticks - _EARLY_FRAMES)
        after = math.ceil((frame.index + 1) * ticks - _EARLY_FRAMES)
        for tick in range(first, after):
            self._showings.append((due + tick / self._rate - frame_time(frame.index), frame))
        while len(self._showings) > self._limit:
            self._showings.popleft()
            self._dropped += 1

    def next_due(self) -> float | None:
        return self._showings[0][0] if self._showings else None

    def pop(self, now: float) -> Frame | None:
        chosen: Frame | None = None
        while self._showings and self._showings[0][0] <= now:
            self._dropped += chosen is not None
            chosen = self._showings.popleft()[1]
        return chosen


class Backlog:
    """Every frame in order, at once, for a recording: when `limit` wait, new ones are dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: deque[Frame] = deque()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        return self._dropped

    def put(self, frame: Frame, due: float) -> None:  # noqa: ARG002
        if len(self._frames) < self._limit:
            self._frames.append(frame)
        else:
            self._dropped += 1

    def next_due(self) -> float | None:
        return -math.inf if self._frames else None

    def pop(self, now: float) -> Frame | None:  # noqa: ARG002
        return self._frames.popleft() if self._frames else None
