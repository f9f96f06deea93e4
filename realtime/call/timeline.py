"""The caller's sound as a steady row of 640-sample blocks, whatever the network does to it.

Every sample has a place, given by the RTP timestamp. A gap is concealed, what comes after its place
was filled is dropped, so that the delay never grows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.audio.resample import Resampler
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, FrameCutter, Sound

RTP_RATE = 48_000
RTP_FRAME = RTP_RATE // FRAME_RATE
FRAME_S = 1 / FRAME_RATE
# Sound that is missing for this much longer than a frame is no longer waited for.
GRACE_S = 0.06
# Sound that is late for this long is not late: the sender's own clock stood still.
LATE_FOR_S = 0.2
# A longer gap is a sender that started anew.
LONGEST_GAP = RTP_RATE
# A lost packet sounds like the last 20 ms backwards, which fits on at the seam, and fades away.
_ECHO = RTP_RATE // 50
_FADE = 3 * _ECHO


class Timeline:
    """int16 mono at 48 kHz with places -> blocks int16 [640] at 16 kHz. Times are seconds.

    Holds less than one block; sound stands at most 1 ms (the resampling filter) behind its place.
    """

    def __init__(self, now: float) -> None:
        self._resampler = Resampler(RTP_RATE)
        self._fill_filter()
        self._cutter = FrameCutter()
        self._filled = 0
        self._held = 0
        self._next: int | None = None
        self._late_since: float | None = None
        self._echo: Sound = np.zeros(_ECHO, np.int16)
        self._faded = _FADE
        self.deadline = now + FRAME_S + GRACE_S
        self.concealed = 0
        self.late = 0

    def push(self, place: int, samples: Sound, now: float) -> list[Sound]:
        """Samples int16 [any] whose first has this place -> the blocks now whole."""
        if self._next is None or abs(place - self._next) > LONGEST_GAP:
            self._next = place
        behind = min(max(self._next - place, 0), len(samples))
        if behind and self._is_late_for_good(now):
            self._next, behind = place, 0
        self.late += behind
        if behind == len(samples):
            return []
        self._late_since = None
        blocks = self._conceal(max(place - self._next, 0))
        return blocks + self._take(samples[behind:], now)

    def starve(self, now: float) -> list[Sound]:
        """The blocks that can wait no longer, filled up; none before `deadline`."""
        blocks: list[Sound] = []
        if now >= self.deadline:
            blocks = self._conceal(RTP_FRAME - self._filled % RTP_FRAME)
            self.deadline = now + FRAME_S
        return blocks

    def hush(self) -> None:
        """The sound held for the block not yet whole becomes silence."""
        self._fill_filter()
        self._cutter = FrameCutter()
        self._cutter.push(np.zeros(self._held, np.int16))
        self._faded = _FADE

    def _fill_filter(self) -> None:
        """With silence, so that from here on every third sample comes out at once."""
        self._resampler.push(np.zeros(_ECHO, np.int16))

    def _is_late_for_good(self, now: float) -> bool:
        if self._late_since is None:
            self._late_since = now
        return now - self._late_since > LATE_FOR_S

    def _conceal(self, missing: int) -> list[Sound]:
        if not missing:
            return []
        steps = self._faded + np.arange(missing)
        gain = np.clip(1 - steps / _FADE, 0, 1)
        echo = mirrored(self._echo, steps)
        self._faded = min(self._faded + missing, _FADE)
        self.concealed += missing
        return self._append((echo * gain).astype(np.int16))

    def _take(self, samples: Sound, now: float) -> list[Sound]:
        self._echo = np.concatenate([self._echo, samples])[-_ECHO:]
        self._faded = 0
        self.deadline = now + FRAME_S + GRACE_S
        return self._append(samples)

    def _append(self, samples: Sound) -> list[Sound]:
        self._filled += len(samples)
        if self._next is not None:
            self._next += len(samples)
        ready = self._resampler.push(samples)
        self._held = (self._held + len(ready)) % FRAME_SAMPLES
        return self._cutter.push(ready)


def mirrored(echo: Sound, steps: NDArray[np.int_]) -> NDArray[np.int16]:
    """Sound that goes on from the end of `echo`: backwards, forwards, backwards, ..."""
    length = len(echo)
    phase = steps % (2 * length)
    back = np.where(phase < length, length - 1 - phase, phase - length)
    return echo[back]
