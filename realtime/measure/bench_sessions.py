"""`bench engine --sessions`: how long sessions wait for each other when they share a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from realtime.clock import FRAME_MS, FRAME_RATE, Sound
from realtime.frame import Steps
from realtime.outputs.playback import blocks_of

Clock = Callable[[], float]


@dataclass(frozen=True)
class Crowd:
    """So many sessions at once; milliseconds from a frame's sound to a session's picture."""

    sessions: int
    latency_p50_ms: float
    latency_p99_ms: float
    load: float  # busy time of all over a frame's 40 ms: above 1 nobody keeps up


def bench_sessions(
    engines: Sequence[Steps], sounds: Iterable[Sound], *, seconds: float, now: Clock
) -> list[Crowd]:
    """The first engine alone, the first two, and so on to all; `seconds` of sound for each crowd.

    `now` is a monotonic clock in seconds.
    """
    blocks = cycle(list(blocks_of(sounds)))
    frames = round(seconds * FRAME_RATE)
    return [
        _crowd(engines[:count], list(islice(blocks, frames)), now)
        for count in range(1, len(engines) + 1)
    ]


def plot(crowds: Sequence[Crowd], path: Path) -> None:
    """Latency over the number of sessions; raises OutputError."""
    from realtime.measure.figures import new_figure, save_figure

    figure = new_figure()
    axes = figure.add_subplot(xlabel="sessions", ylabel="from sound to picture, ms")
    sessions = [crowd.sessions for crowd in crowds]
    axes.plot(sessions, [crowd.latency_p99_ms for crowd in crowds], "o-", label="99 %")
    axes.plot(sessions, [crowd.latency_p50_ms for crowd in crowds], "o-", label="median")
    axes.axhline(FRAME_MS, color="grey", linestyle="--", label="a frame")
    axes.locator_params("x", integer=True)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    save_figure(figure, path)


def take_turns(engines: Sequence[Steps], samples: Sound, frame: int, now: Clock) -> list[float]:
    """Steps every engine once; seconds from the call to each one's picture, in their order.

    Who goes first moves on by one each frame, so that nobody always waits for all the others.
    """
    began = now()
    waited = [0.0] * len(engines)
    for place in range(len(engines)):
        turn = (frame + place) % len(engines)
        engines[turn].step(samples)
        waited[turn] = now() - began
    return waited


def _crowd(engines: Sequence[Steps], blocks: Sequence[Sound], now: Clock) -> Crowd:
    waited = np.array([take_turns(engines, block, n, now) for n, block in enumerate(blocks)])
    p50, p99 = np.quantile(1e3 * waited, [0.5, 0.99]).tolist()
    return Crowd(len(engines), p50, p99, float(1e3 * waited.max(1).mean() / FRAME_MS))
