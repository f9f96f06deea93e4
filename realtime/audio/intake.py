"""From whatever the microphone gives to a steady row of 640-sample blocks."""

from __future__ import annotations

import numpy as np

from realtime.clock import FRAME_RATE, FRAME_SAMPLES, FrameCutter, Sound

_FRAME_S = 1 / FRAME_RATE
# Shorter hiccups are waited out, so that no silence is put into a sentence that is merely late.
GRACE_S = 3 * _FRAME_S
# What a call hears late it hears late for good: after a hiccup only this much of it is kept.
KEPT_BLOCKS = 4


class Intake:
    """Frames follow the count of samples, never the wall clock, so the microphone cannot drift.

    Only when it gives nothing for GRACE_S do blocks of silence come in its place, one every 40 ms,
    so that the portrait lives on. A burst longer than KEPT_BLOCKS loses its oldest blocks.
    """

    def __init__(self, now: float) -> None:
        self._cutter = FrameCutter()
        self._next_silence = now + GRACE_S
        self._skipped = 0
        self._filled = 0

    @property
    def skipped(self) -> int:
        """Blocks of a burst that were dropped."""
        return self._skipped

    @property
    def filled(self) -> int:
        """Blocks of silence put in place of a microphone that gave nothing."""
        return self._filled

    def take(self, now: float, samples: Sound) -> list[Sound]:
        """int16 [any, also none], seconds -> the blocks now due, each int16 [640]."""
        blocks = self._cutter.push(samples)
        if blocks:
            self._next_silence = now + GRACE_S
            self._skipped += len(blocks[:-KEPT_BLOCKS])
            return blocks[-KEPT_BLOCKS:]
        if len(samples) or now < self._next_silence:
            return []
        late = now - self._next_silence >= _FRAME_S
        self._next_silence = (now if late else self._next_silence) + _FRAME_S
        self._filled += 1
        return [np.zeros(FRAME_SAMPLES, np.int16)]
