"""Voice activity: eases the mouth to rest in long silence. It never touches the sound."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import webrtcvad

from realtime.clock import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, Sound

_AGGRESSIVENESS = 2  # webrtcvad's 0..3
_VAD_SAMPLES = FRAME_SAMPLES // 2  # it takes pieces of 10, 20 or 30 ms
_PATIENCE_MS = 320  # silence shorter than this is a pause between words
_EASING_MS = 200
_QUIETER_DB = 32.0  # than recent speech: background, whatever the detector says
_FALL_DB = 0.04  # a frame; recent speech is forgotten by 1 dB a second
_LOWEST_LEVEL_DB = -60.0  # of full scale; speech is never believed to be quieter


@dataclass
class RestEasing:
    """A gain for the lip code: 1 while somebody speaks, falling to 0 in long silence.

    Voice releases it within the frame that holds it. Starts at rest.
    """

    _silent_ms: int = _PATIENCE_MS + _EASING_MS
    _level_db: float = _LOWEST_LEVEL_DB
    _detector: webrtcvad.Vad = field(default_factory=lambda: webrtcvad.Vad(_AGGRESSIVENESS))

    def push(self, frame: Sound) -> float:
        """int16 [640] -> gain in 0..1; raises ValueError on any other length."""
        if frame.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame holds {FRAME_SAMPLES} samples, found shape {frame.shape}")
        self._silent_ms = 0 if self._speaks(frame) else self._silent_ms + FRAME_MS
        t = min(max(self._silent_ms - _PATIENCE_MS, 0) / _EASING_MS, 1.0)
        return 1.0 - t * t * (3.0 - 2.0 * t)

    def _speaks(self, frame: Sound) -> bool:
        halves = (frame[:_VAD_SAMPLES], frame[_VAD_SAMPLES:])
        # Both halves are heard: the detector adapts to all the sound it is given.
        voiced = [self._detector.is_speech(half.tobytes(), SAMPLE_RATE) for half in halves]
        loud = max(
            (_level_db(half) for half, voice in zip(halves, voiced, strict=True) if voice),
            default=-np.inf,
        )
        self._level_db = max(self._level_db - _FALL_DB, _LOWEST_LEVEL_DB, loud)
        return bool(loud > self._level_db - _QUIETER_DB)


def _level_db(samples: Sound) -> float:
    """Power in dB of full scale."""
    power = np.mean((samples.astype(np.float32) / 32768.0) ** 2)
    return float(10 * np.log10(power + 1e-10))
