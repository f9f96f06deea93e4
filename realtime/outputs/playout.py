"""The sound of frames on its way to a sound card with a clock of its own.

Knows when every sample will be heard, which is when the frame's picture has to be seen.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from realtime.clock import (
    FRAME_SAMPLES,
    Sound,
    samples_to_seconds,
    seconds_to_samples,
)

# What waits for the card when the next frame arrives: one frame's worth of lateness is forgiven.
MARGIN_SAMPLES = FRAME_SAMPLES
# A card that stopped taking sound is not queued up for: beyond this, new frames are not heard.
LIMIT_SAMPLES = MARGIN_SAMPLES + 3 * FRAME_SAMPLES
# A card that paused longer than this skips what it should have played, so the lips stay right.
_JUMP_S = 0.04
# The margin is steered as a second-order loop with damping 0.7: error averaged over 10 frames, a
# 20th of it mended in each. 300 ppm of drift leaves it 4 samples off; 40 ms are mended in 1.5 s.
_AVERAGED_FRAMES = 10
_MENDED_PART = 20
_MOST_MENDED = FRAME_SAMPLES // 20


def stretch(sound: Sound, length: int) -> Sound:
    """int16 [n] -> int16 [length], the ends kept, by cubic (Catmull-Rom) interpolation."""
    if length == len(sound):
        return sound
    place = np.linspace(0, len(sound) - 1, length)
    left = np.minimum(place.astype(np.int64), len(sound) - 2)
    t = place - left
    p = np.pad(sound.astype(np.float64), 1, mode="edge")
    a, b, c, d = (p[left + k] for k in range(4))
    curve = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.asarray(np.clip(np.rint(curve), -32768, 32767), np.int16)


class Playout:
    """Bounded sound between the loop, which writes frames, and a card, which pulls samples.

    Drift between the two clocks is mended by stretching frames by a few samples. What does not
    fit is dropped and counted in `dropped` (frames); what was missing is silence, and each gap is
    counted in `underruns`. Times are seconds of one monotonic clock and come in as arguments.
    """

    def __init__(self) -> None:
        self._waiting: NDArray[np.int16] = np.zeros(0, np.int16)
        self._heard_at: float | None = None  # When the first waiting sample will be heard.
        self._error = 0.0
        self._dry = True
        self._underruns = 0
        self._dropped = 0
        self._lock = threading.Lock()

    @property
    def underruns(self) -> int:
        return self._underruns

    @property
    def dropped(self) -> int:
        return self._dropped

    @property
    def waiting(self) -> int:
        """Samples not yet pulled."""
        return len(self._waiting)

    def write(self, sound: Sound, now: float) -> float:
        """Takes int16 [640]; gives the time at which its first sample will be heard.

        That is `now` for a frame nobody will hear because the card takes nothing.
        """
        with self._lock:
            if len(self._waiting) > LIMIT_SAMPLES:
                self._dropped += 1
                return now
            if not len(self._waiting):
                self._waiting = np.zeros(MARGIN_SAMPLES, np.int16)
                self._error = 0.0
            ahead = samples_to_seconds(len(self._waiting))
            fitted = stretch(sound, len(sound) - self._correction())
            self._waiting = np.concatenate([self._waiting, fitted])
            self._dry = False
            return now if self._heard_at is None else max(now, self._heard_at + ahead)

    def _correction(self) -> int:
        """Samples this frame must lose (or, negative, win) to bring the margin back."""
        error = len(self._waiting) - MARGIN_SAMPLES
        self._error += (error - self._error) / _AVERAGED_FRAMES
        wanted = round(self._error / _MENDED_PART)
        return max(-_MOST_MENDED, min(_MOST_MENDED, wanted))

    def pull(self, count: int, heard_at: float) -> Sound:
        """int16 [count] for the card, whose first sample will be heard at `heard_at`."""
        with self._lock:
            self._skip_what_is_late(heard_at)
            given, self._waiting = self._waiting[:count], self._waiting[count:]
            self._heard_at = heard_at + samples_to_seconds(count)
        if len(given) == count:
            return given
        self._underruns += not self._dry
        self._dry = True
        return np.concatenate([given, np.zeros(count - len(given), np.int16)])

    def _skip_what_is_late(self, heard_at: float) -> None:
        if self._heard_at is None:
            return
        late_s = heard_at - self._heard_at
        if late_s > _JUMP_S:
            self._waiting = self._waiting[seconds_to_samples(late_s) :]
