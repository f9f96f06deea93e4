from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, cast

import numpy as np

from realtime.avatar_file import Avatar
from realtime.clock import FRAME_SAMPLES
from realtime.engine import Engine
from realtime.measure.bench_edit import switch_live
from tests.avatars import drawn_avatar


class Clock:
    """Every look at it takes a millisecond."""

    def __init__(self) -> None:
        self._ticks = count()

    def __call__(self) -> float:
        return next(self._ticks) / 1000


class Slow:
    """An engine that steps, and `changed` can only be told from before by its outfit."""

    def __init__(self, worn: Callable[[Any], None], outfit: Any = None) -> None:
        self._worn, self._outfit = worn, outfit

    def step(self, _: Any) -> None:
        self._worn(self._outfit)

    def changed(self, outfit: Any) -> Slow:
        return Slow(self._worn, outfit)


def test_half_alone_and_half_while_looks_are_made() -> None:
    worn: list[Any] = []
    looks: list[Avatar] = [replace(drawn_avatar(), name=name) for name in "ab"]
    figures = switch_live(
        cast(Engine, Slow(worn.append)),
        [lambda look=look: look for look in looks],  # type: ignore[misc]
        [np.zeros(FRAME_SAMPLES, np.int16)] * 20,
        Clock(),
        lambda _: None,
    )
    assert len(worn) == 20
    assert worn[:10] == [None] * 10, "no look is made before the middle"
    assert figures["alone_longest_step_ms"] == figures["alone_step_p50_ms"] == 1.0
    assert figures["alone_late_frames"] == figures["switch_late_frames"] == 0
    assert 0 <= figures["switches"] <= 2
