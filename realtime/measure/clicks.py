"""What goes into a measured call and can be found again: clicks in sound, numbers in pictures."""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.timeline import RTP_RATE
from realtime.clock import SAMPLE_RATE, Sound
from realtime.frame import Frame, Picture, Steps

# One click in half a second; each begins at another place of the 40 ms frame.
PERIOD_S, SHIFT_S, LENGTH_S = 0.5, 0.0073, 0.05
FIRST_S = 1.0
PITCH_HZ = 1000
_LOUDNESS, _LOUD = 12_000, 3_000
# A picture's number stands in its top left corner: so many bits, each a square of so many px.
BITS, SQUARE = 12, 16
NUMBERS = 1 << BITS


def onset_s(index: int) -> float:
    """When click `index` begins, in seconds of the sound."""
    return FIRST_S + index * PERIOD_S + index * SHIFT_S % 0.04


def clicks(first: int, count: int, rate: int = RTP_RATE) -> Sound:
    """Samples `first` to `first + count` of the endless row of clicks, int16 [count]."""
    seconds = (first + np.arange(count)) / rate
    near = np.maximum(((seconds - FIRST_S) / PERIOD_S).astype(int), 0)
    since = seconds - np.vectorize(onset_s)(near)
    return np.where((since >= 0) & (since < LENGTH_S), _tone(since), 0).astype(np.int16)


def hum(first: int, count: int, rate: int = RTP_RATE) -> Sound:
    """Samples `first` to `first + count` of an endless tone, int16 [count]."""
    return _tone((first + np.arange(count)) / rate).astype(np.int16)


def _tone(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(_LOUDNESS * np.sin(2 * np.pi * PITCH_HZ * seconds))


def loud(sound: Sound) -> tuple[int, int] | None:
    """The first and the last loud sample of int16 [any]; None if there is none."""
    places = np.flatnonzero(np.abs(sound.astype(np.int32)) > _LOUD)
    return (int(places[0]), int(places[-1])) if len(places) else None


def stamped(image: Picture, number: int) -> Picture:
    """A copy of RGB uint8 [H, W, 3] with a number, modulo 4096, in its corner."""
    bits = number % NUMBERS >> np.arange(BITS) & 1
    marked = image.copy()
    marked[:SQUARE, : BITS * SQUARE] = np.repeat(bits * 255, SQUARE)[:, None]
    return marked


def read_stamp(luma: NDArray[np.uint8]) -> int:
    """The number, modulo 4096, in the brightness uint8 [H, W] of a picture."""
    row = luma[SQUARE // 2, SQUARE // 2 : BITS * SQUARE : SQUARE]
    return int(np.dot(row > 128, 1 << np.arange(BITS)))


class Stamped:
    """An engine whose pictures carry their index, and which remembers its steps.

    `began`, `ended`: when each step did, s; `place`: where in its 40 ms frame a click begins, s, or
    NaN; `rests`: the index of the first frame after each reset.
    """

    def __init__(self, engine: Steps, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._quiet = True
        self.began, self.ended, self.place = array("d"), array("d"), array("d")
        self.rests: list[int] = []

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every image, px."""
        return self._engine.size

    def reset(self) -> None:
        """As the engine does."""
        self._engine.reset()
        self.rests.append(len(self.began))

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        """As the engine does, and stamps the picture."""
        began = self._clock()
        frame = self._engine.step(samples, fresh=fresh)
        image = stamped(frame.image, len(self.began))
        self.ended.append(self._clock())
        self.began.append(began)
        found = loud(frame.sound)
        onset = found[0] / SAMPLE_RATE if found and self._quiet else np.nan
        self._quiet = found is None
        self.place.append(onset)
        return Frame(frame.index, image, frame.sound)


class Stamping:
    """An engine factory that remembers the engine it made last."""

    def __init__(self, make_engine: MakeEngine, clock: Callable[[], float]) -> None:
        self._make_engine = make_engine
        self._clock = clock
        self.engine: Stamped | None = None

    def __call__(self, request: EngineRequest, before: Steps | None = None) -> Stamped:
        del before  # a stamped call keeps its look
        self.engine = Stamped(self._make_engine(request), self._clock)
        return self.engine
