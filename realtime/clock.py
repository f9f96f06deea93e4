"""The one clock: 16 kHz samples, 25 frames a second, 640 samples a frame.

This is the only file that turns samples into frames or milliseconds, and back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
FRAME_RATE = 25
FRAME_SAMPLES, _REMAINDER = divmod(SAMPLE_RATE, FRAME_RATE)
assert _REMAINDER == 0, "a frame must hold a whole number of samples"
FRAME_MS = 1000 // FRAME_RATE
LOOKAHEADS_MS = (0, 40, 80, 120)
MAX_LOOKAHEAD_FRAMES = LOOKAHEADS_MS[-1] // FRAME_MS

Sound = NDArray[np.int16]


def lookahead_frames(lookahead_ms: int) -> int:
    """Lookahead in whole frames; raises ValueError unless it is one of LOOKAHEADS_MS."""
    if lookahead_ms not in LOOKAHEADS_MS:
        raise ValueError(f"lookahead must be one of {LOOKAHEADS_MS} ms, found {lookahead_ms}")
    return lookahead_ms // FRAME_MS


def samples_to_seconds(samples: int) -> float:
    return samples / SAMPLE_RATE


def seconds_to_samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def seconds_to_frames(seconds: float) -> int:
    return round(seconds * FRAME_RATE)


def frame_time(index: int) -> float:
    """Seconds at which frame `index` begins to be shown, 0 being the first sample."""
    return index / FRAME_RATE


def frame_centre(index: int) -> float:
    """Seconds of the middle of frame `index`: the instant whose lips it shows."""
    return (index + 0.5) / FRAME_RATE


@dataclass
class FrameCutter:
    """Cuts sound that arrives in any sizes into blocks of exactly 640 samples.

    Holds less than one frame between calls, so it is bounded by what a single call brings.
    """

    _rest: Sound = field(default_factory=lambda: np.zeros(0, np.int16))

    def push(self, samples: Sound) -> list[Sound]:
        """int16 [any] -> the whole frames now complete, each int16 [640]."""
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = joined[whole:].copy()
        return [joined[i : i + FRAME_SAMPLES] for i in range(0, whole, FRAME_SAMPLES)]

    def flush(self) -> list[Sound]:
        """The begun frame, filled up with silence; empty if none was begun."""
        if not len(self._rest):
            return []
        block = np.zeros(FRAME_SAMPLES, np.int16)
        block[: len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return [block]
