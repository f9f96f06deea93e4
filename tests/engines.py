"""A small stand-in for the engine: the picture tells which block of sound it belongs to."""

from __future__ import annotations

from collections import deque

import numpy as np

from realtime.clock import FRAME_SAMPLES, Sound
from realtime.frame import Frame


class EchoEngine:
    """Pixel (0, 0) counts frames from `start` on; the sound comes back `lookahead` steps late."""

    def __init__(
        self, lookahead: int = 0, size: tuple[int, int] = (64, 48), start: int = 0
    ) -> None:
        self.size = size
        self._lookahead = lookahead
        self._index = start
        self._image = np.zeros((size[1], size[0], 3), np.uint8)
        self.reset()

    def reset(self) -> None:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        self._sound = deque([silence] * self._lookahead, maxlen=self._lookahead + 1)

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        if len(samples) != FRAME_SAMPLES:
            raise ValueError(f"expected {FRAME_SAMPLES} samples, found {len(samples)}")
        self._sound.append(samples.copy())
        if fresh:
            shape = (self.size[1], self.size[0], 3)
            self._image = np.full(shape, self._index % 200, np.uint8)
        frame = Frame(self._index, self._image, self._sound[0])
        self._index += 1
        return frame
