"""Sessions that take turns, on a clock that only steps move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.clock import FRAME_SAMPLES, Sound
from realtime.enroll.portrait import read_picture
from realtime.frame import Frame
from realtime.measure.bench_sessions import Crowd, bench_sessions, plot, take_turns
from tests.engines import EchoEngine

STEP_S = 0.010


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowEngine(EchoEngine):
    """Takes ten milliseconds a step."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        self._clock.now += STEP_S
        return super().step(samples, fresh=fresh)


def test_the_first_turn_moves_on() -> None:
    clock = Clock()
    engines = [SlowEngine(clock) for _ in range(3)]
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    waited = [take_turns(engines, silence, frame, clock) for frame in range(3)]
    np.testing.assert_allclose(waited[0], [0.01, 0.02, 0.03])
    np.testing.assert_allclose(waited[1], [0.03, 0.01, 0.02])
    np.testing.assert_allclose(np.sum(waited, 0), 0.06)


def test_load_and_latency_grow_with_the_crowd() -> None:
    clock = Clock()
    engines = [SlowEngine(clock) for _ in range(4)]
    sound = np.zeros(5 * FRAME_SAMPLES, np.int16)
    crowds = bench_sessions(engines, [sound], seconds=0.4, now=clock)
    assert [crowd.sessions for crowd in crowds] == [1, 2, 3, 4]
    assert [crowd.load for crowd in crowds] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert crowds[3].latency_p50_ms == pytest.approx(25)
    assert crowds[0].latency_p99_ms == pytest.approx(10)


def test_the_curve_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "sessions.png"
    plot([Crowd(count, 10.0 * count, 12.0 * count, 0.3 * count) for count in range(1, 5)], path)
    assert read_picture(path).shape[2] == 3
