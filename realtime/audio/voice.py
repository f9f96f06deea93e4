"""Voice activity: eases the mouth to rest in long silence. It never touches the sound.

Of any number of voices at once, for a GPU hears hundreds in one step.
"""

from __future__ import annotations

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from realtime.clock import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, Sound

_AGGRESSIVENESS = 2  # webrtcvad's 0..3
_VAD_SAMPLES = FRAME_SAMPLES // 2  # it takes pieces of 10, 20 or 30 ms
_PATIENCE_MS = 320  # silence shorter than this is a pause between words
_EASING_MS = 200
_QUIETER_DB = 32.0  # than recent speech: background, whatever the detector says
_FALL_DB = 0.04  # a frame; recent speech is forgotten by 1 dB a second
_LOWEST_LEVEL_DB = -60.0  # of full scale; speech is never believed to be quieter
# A voice this loud (RMS of int16) moves the head as speaking does; it fades in about half a second.
_SPEAKING_RMS = 1000.0
_LEVEL_SMOOTHING = 0.92

Levels = NDArray[np.float64]


class RestEasing:
    """A gain for each voice's lip code: 1 while somebody speaks, falling to 0 in long silence.

    Voice releases it within the frame that holds it. Starts at rest.
    """

    def __init__(self, voices: int = 1) -> None:
        self._silent_ms = np.zeros(voices, np.int64)
        self._level_db = np.zeros(voices)
        self._detectors = [webrtcvad.Vad()] * voices
        for voice in range(voices):
            self.reset(voice)

    def reset(self, voice: int) -> None:
        """The voice was never heard."""
        self._silent_ms[voice] = _PATIENCE_MS + _EASING_MS
        self._level_db[voice] = _LOWEST_LEVEL_DB
        self._detectors[voice] = webrtcvad.Vad(_AGGRESSIVENESS)

    def push(self, frames: Sound) -> Levels:
        """int16 [voices, 640] -> gains in 0..1, float64 [voices]; raises ValueError on any other
        shape."""
        if frames.shape != (len(self._detectors), FRAME_SAMPLES):
            raise ValueError(
                f"expected {len(self._detectors)} frames of {FRAME_SAMPLES} samples, found shape "
                f"{frames.shape}"
            )
        self._silent_ms = np.where(self._speak(frames), 0, self._silent_ms + FRAME_MS)
        t = ((self._silent_ms - _PATIENCE_MS) / _EASING_MS).clip(0, 1)
        return np.asarray(1.0 - t * t * (3.0 - 2.0 * t))

    def _speak(self, frames: Sound) -> NDArray[np.bool_]:
        halves = frames.reshape(-1, 2, _VAD_SAMPLES)
        # Both halves are heard: the detector adapts to all the sound it is given.
        voiced = [
            [detector.is_speech(half.tobytes(), SAMPLE_RATE) for half in pair]
            for detector, pair in zip(self._detectors, halves, strict=True)
        ]
        loud = np.where(voiced, _level_db(halves), -np.inf).max(1)
        faded = np.maximum(self._level_db - _FALL_DB, _LOWEST_LEVEL_DB)
        self._level_db = np.maximum(faded, loud)
        return np.asarray(loud > self._level_db - _QUIETER_DB)


def speaking(before: Levels | float, frames: Sound) -> Levels:
    """How much somebody speaks, 0 (silent) .. 1, smooth in time: the levels float64 [...] of the
    frame before, and int16 [..., 640] -> the levels now."""
    rms = np.sqrt(np.square(frames, dtype=np.float32).mean(-1)).astype(np.float64)
    now = np.minimum(rms / _SPEAKING_RMS, 1.0)
    return np.asarray(_LEVEL_SMOOTHING * before + (1 - _LEVEL_SMOOTHING) * now)


def _level_db(samples: Sound) -> Levels:
    """Power in dB of full scale of int16 [..., samples]."""
    power = np.mean((samples.astype(np.float32) / 32768.0) ** 2, -1)
    return np.asarray(10 * np.log10(power + 1e-10), np.float64)
