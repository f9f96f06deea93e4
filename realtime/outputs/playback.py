"""Sound through an engine into outputs, as fast as it goes or paced like a live call."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from realtime.clock import FRAME_SAMPLES, FrameCutter, Sound, frame_time
from realtime.frame import Frame, Steps
from realtime.outputs.output import Output

Clock = Callable[[], float]


class Pace(Protocol):
    """When the sound of a frame is there."""

    def wait(self, index: int) -> None:
        """Returns when the last sample of block `index` has been spoken."""


class Unpaced:
    """Sound that lies there already."""

    def wait(self, index: int) -> None:
        del index


class LivePace:
    """Sound as a microphone would bring it: absolute deadlines from the first call on."""

    def __init__(self, now: Clock, sleep: Callable[[float], None]) -> None:
        self._now, self._sleep = now, sleep
        self._began: float | None = None

    def wait(self, index: int) -> None:
        if self._began is None:
            self._began = self._now()
        remaining = self._began + frame_time(index + 1) - self._now()
        if remaining > 0:
            self._sleep(remaining)


@dataclass
class Timings:
    """Seconds, one entry a frame: the engine's step, the outputs' work, and when it was done."""

    step: list[float] = field(default_factory=list)
    output: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)


def blocks_of(sounds: Iterable[Sound]) -> Iterator[Sound]:
    """Sound in any pieces -> int16 [640] each, the last filled up with silence."""
    cutter = FrameCutter()
    for sound in sounds:
        yield from cutter.push(sound)
    yield from cutter.flush()


def play(
    engine: Steps,
    sounds: Iterable[Sound],
    outputs: Iterable[Output],
    *,
    lookahead: int,
    now: Clock,
    pace: Pace | None = None,
    progress: Callable[[Frame], None] | None = None,
) -> Timings:
    """Plays sound through the engine: frame k of every output shows block k of the sound.

    The engine's first `lookahead` frames, which show the silence before the sound, are left out,
    and as many blocks of silence follow the sound. Outputs are left whole, or removed on an error.
    """
    timings = Timings()
    pace = pace or Unpaced()
    tail = itertools.repeat(np.zeros(FRAME_SAMPLES, np.int16), lookahead)
    with ExitStack() as stack:
        opened = [stack.enter_context(output) for output in outputs]
        for index, block in enumerate(itertools.chain(blocks_of(sounds), tail)):
            pace.wait(index)
            began = now()
            frame = engine.step(block)
            stepped = now()
            if index >= lookahead:
                frame = replace(frame, index=index - lookahead)
                for output in opened:
                    output.write(frame)
                if progress is not None:
                    progress(frame)
            done = now()
            timings.step.append(stepped - began)
            timings.output.append(done - stepped)
            timings.done.append(done)
    return timings
