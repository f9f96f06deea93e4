"""Streaming resampling: any rate and channel count to 16 kHz mono."""

from __future__ import annotations

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from realtime.clock import SAMPLE_RATE, Sound


class Resampler:
    """int16 sound of one rate and channel count -> 16 kHz mono, piece by piece.

    The filter holds back about 1 ms, which `flush` returns. Raises ValueError if rate or channels
    are not positive.
    """

    def __init__(self, rate: int, channels: int = 1) -> None:
        if rate <= 0 or channels <= 0:
            raise ValueError(f"expected a positive rate and channels, found {rate}, {channels}")
        self._rate = rate
        self._channels = channels
        self._layout = {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
        self._resampler = AudioResampler("s16", "mono", SAMPLE_RATE)

    def push(self, samples: Sound) -> Sound:
        """Interleaved int16 [N * channels] -> the int16 [any] that are ready.

        Raises ValueError if the samples do not fill all channels alike.
        """
        if samples.ndim != 1 or len(samples) % self._channels:
            raise ValueError(
                f"expected whole frames of {self._channels} channels, found {samples.shape}"
            )
        if not len(samples):
            return np.zeros(0, np.int16)
        block: NDArray[np.int16] = np.ascontiguousarray(samples)[None]
        frame = AudioFrame.from_ndarray(block, "s16", self._layout)
        frame.sample_rate = self._rate
        return _joined(self._resampler.resample(frame))

    def flush(self) -> Sound:
        """What the filter still holds, int16 [any]; the resampler is then at its end."""
        return _joined(self._resampler.resample(None))


def _joined(frames: list[AudioFrame]) -> Sound:
    blocks = [np.asarray(frame.to_ndarray()[0], np.int16) for frame in frames]
    return np.concatenate([np.zeros(0, np.int16), *blocks])
