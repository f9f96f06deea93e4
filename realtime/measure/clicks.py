"""Clicks that can be found again: in sound by loudness, in pictures by a mark in the corner."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.timeline import RTP_RATE
from realtime.clock import SAMPLE_RATE, Sound
from realtime.frame import Frame, Picture, Steps

# One click in half a second; each begins at another place of the 40 ms frame.
PERIOD_S, SHIFT_S, LENGTH_S = 0.5, 0.0073, 0.05
FIRST_S = 1.0
_LOUDNESS, _LOUD = 12_000, 3_000
# Side of the mark, px.
MARK = 48


def onset_s(index: int) -> float:
    """When click `index` begins, in seconds of the sound."""
    return FIRST_S + index * PERIOD_S + index * SHIFT_S % 0.04


def clicks(first: int, count: int, rate: int = RTP_RATE) -> Sound:
    """Samples `first` to `first + count` of the endless row of clicks, int16 [count]."""
    seconds = (first + np.arange(count)) / rate
    near = np.maximum(((seconds - FIRST_S) / PERIOD_S).astype(int), 0)
    since = seconds - np.vectorize(onset_s)(near)
    tone = _LOUDNESS * np.sin(2 * np.pi * 1000 * since)
    return np.where((since >= 0) & (since < LENGTH_S), tone, 0).astype(np.int16)


def onset(sound: Sound) -> int | None:
    """The first loud sample of int16 [any]; None if there is none."""
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > _LOUD)
    return int(loud[0]) if len(loud) else None


def is_marked(image: Picture) -> bool:
    """Whether a frame, uint8 [H, W, 3], has the mark of a click."""
    return float(image[: MARK // 2, : MARK // 2].mean()) > 128


class Marked:
    """An engine whose frames show a white corner while their own sound is loud.

    Keeps, for each frame in which a click begins, when its step began and ended, s, and the click's
    place in the frame, s: `steps`.
    """

    def __init__(self, engine: Steps, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._quiet = True
        self.steps: list[tuple[float, float, float]] = []

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every image, px."""
        return self._engine.size

    def reset(self) -> None:
        """As the engine does."""
        self._engine.reset()

    def step(self, samples: Sound) -> Frame:
        """As the engine does, and marks the frame."""
        began = self._clock()
        frame = self._engine.step(samples)
        place = onset(frame.sound)
        if place is not None and self._quiet:
            self.steps.append((began, self._clock(), place / SAMPLE_RATE))
        self._quiet = place is None
        image = frame.image.copy()
        image[:MARK, :MARK] = 0 if place is None else 255
        return Frame(frame.index, image, frame.sound)


class Marking:
    """An engine factory that remembers the marked engine it made last."""

    def __init__(self, make_engine: MakeEngine, clock: Callable[[], float]) -> None:
        self._make_engine = make_engine
        self._clock = clock
        self.engine: Marked | None = None

    def __call__(self, request: EngineRequest) -> Marked:
        self.engine = Marked(self._make_engine(request), self._clock)
        return self.engine
