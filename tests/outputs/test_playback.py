"""Playback: which frame shows which sound, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
import pytest

from realtime.clock import FRAME_SAMPLES
from realtime.frame import Frame
from realtime.outputs.playback import LivePace, play
from tests.engines import EchoEngine


class FakeClock:
    """Time that passes only by sleeping, and by `step_s` at every look."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.time, self.step_s = 100.0, step_s

    def now(self) -> float:
        self.time += self.step_s
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Kept:
    """An output that keeps what it gets."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.frames: list[Frame] = []
        self.times: list[float] = []
        self.left_by: type[BaseException] | None = None
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.left_by = kind

    def write(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.times.append(self._clock())


@pytest.mark.parametrize("lookahead", [0, 1, 3])
def test_frame_k_carries_block_k_of_the_sound(lookahead: int) -> None:
    sound = np.arange(5 * FRAME_SAMPLES - 100, dtype=np.int16)
    clock = FakeClock()
    kept = Kept(clock.now)
    play(EchoEngine(lookahead), [sound], [kept], lookahead=lookahead, now=clock.now)
    assert [frame.index for frame in kept.frames] == [0, 1, 2, 3, 4]
    heard = np.concatenate([frame.sound for frame in kept.frames])
    assert np.array_equal(heard[: len(sound)], sound)
    assert kept.left_by is None


def test_live_pace_keeps_absolute_deadlines() -> None:
    clock = FakeClock(step_s=0.001)
    kept = Kept(lambda: clock.time)
    sound = np.ones(50 * FRAME_SAMPLES, np.int16)
    pace = LivePace(clock.now, clock.sleep)
    play(EchoEngine(), [sound], [kept], lookahead=0, now=clock.now, pace=pace)
    deadlines = 100 + 0.04 * np.arange(1, 51)
    late = np.array(kept.times) - deadlines
    assert late.min() > 0
    assert late.max() < 0.006, "the lateness of one step must not add up"


def test_an_interrupt_reaches_the_outputs() -> None:
    clock = FakeClock()
    kept = Kept(clock.now)

    def interrupt(frame: Frame) -> None:
        if frame.index == 2:
            raise KeyboardInterrupt

    sound = np.zeros(9 * FRAME_SAMPLES, np.int16)
    with pytest.raises(KeyboardInterrupt):
        play(EchoEngine(), [sound], [kept], lookahead=0, now=clock.now, progress=interrupt)
    assert kept.left_by is KeyboardInterrupt
    assert len(kept.frames) == 3
