"""`bench engine --device cuda`: one session's step, and how many sessions one forward serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice

import numpy as np

from realtime.batched.engine import BatchedEngine
from realtime.clock import FRAME_MS, Sound
from realtime.measure.bench_sessions import Crowd

Clock = Callable[[], float]

_WARM_UP_STEPS = 10
# Everybody hears the same speech, so many frames after the one before.
_APART = 7


def bench_batch(engine: BatchedEngine, blocks: Sequence[Sound], steps: int, now: Clock) -> Crowd:
    """So many steps of all the engine's sessions; `now` is a monotonic clock in seconds.

    A session's latency is the whole batch's: from sound on the host to pictures on the host.
    """
    took = []
    for sound in islice(_together(blocks, engine.sessions), _WARM_UP_STEPS + steps):
        began = now()
        engine.step(sound)
        took.append(1e3 * (now() - began))
    waited = np.array(took[_WARM_UP_STEPS:])
    p50, p99 = np.quantile(waited, [0.5, 0.99]).tolist()
    return Crowd(engine.sessions, p50, p99, float(waited.mean() / FRAME_MS))


def counts(most: int) -> list[int]:
    """1, 2, 4 and so on up to the most, and that."""
    return [1 << power for power in range((most - 1).bit_length())] + [most]


def _together(blocks: Sequence[Sound], sessions: int) -> Iterable[Sound]:
    """Each session's newest 40 ms: int16 [N, 640]."""
    for start in cycle(range(len(blocks))):
        places = [(start + _APART * session) % len(blocks) for session in range(sessions)]
        yield np.stack([blocks[place] for place in places])
