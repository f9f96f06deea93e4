"""Stand-ins for a call: an engine whose mouth follows loudness, a gallery, a peer that calls."""

from __future__ import annotations

from collections import deque

import numpy as np

from realtime.call.engines import EngineRequest
from realtime.clock import FRAME_SAMPLES, Sound, lookahead_frames
from realtime.errors import AvatarError, InputError
from realtime.frame import Frame, Picture, Steps

SIZE = (256, 256)
# Where the mouth is drawn: grey 40 when shut, up to 240 when the sound is loud.
MOUTH = (slice(150, 200), slice(80, 176))
SHUT, OPEN = 40, 240


class LoudMouth:
    """The mouth's brightness is the loudness of the frame's own sound."""

    def __init__(self, lookahead_ms: int = 0, size: tuple[int, int] = SIZE) -> None:
        self.size = size
        self._lookahead = lookahead_frames(lookahead_ms)
        self._index = 0
        self._image = np.zeros((size[1], size[0], 3), np.uint8)
        self.resets = 0
        self.reset()

    def reset(self) -> None:
        self.resets += 1
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        self._sound = deque([silence] * self._lookahead, maxlen=self._lookahead + 1)

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        if len(samples) != FRAME_SAMPLES:
            raise ValueError(f"expected {FRAME_SAMPLES} samples, found {len(samples)}")
        self._sound.append(samples.copy())
        sound = self._sound[0]
        if fresh:
            loudness = min(float(np.abs(sound.astype(np.float32)).mean()) / 1500, 1)
            self._image = np.full((self.size[1], self.size[0], 3), 110, np.uint8)
            self._image[MOUTH] = round(SHUT + (OPEN - SHUT) * loudness)
        frame = Frame(self._index, self._image, sound)
        self._index += 1
        return frame


class Broken(LoudMouth):
    """Fails at its tenth step."""

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        frame = super().step(samples, fresh=fresh)
        if frame.index == 10:
            raise RuntimeError("broken")
        return frame


def make_loud_mouth(request: EngineRequest, before: Steps | None = None) -> LoudMouth:
    """The engine factory of the tests; nobody has hair."""
    del before
    if "hair" in request.colours:
        raise InputError(f"expected hair in the portrait of {request.avatar}, found none")
    if request.avatar == "broken":
        return Broken(request.lookahead_ms, request.size)
    if request.avatar not in Drawn().names():
        raise AvatarError(f"expected one of {Drawn().names()}, found {request.avatar}")
    return LoudMouth(request.lookahead_ms, request.size)


class Drawn:
    """Two avatars of one colour each."""

    def names(self) -> list[str]:
        return ["grey", "red"]

    def picture(self, name: str) -> Picture:
        colour = {"grey": (110, 110, 110), "red": (200, 40, 40)}[name]
        return np.full((48, 64, 3), colour, np.uint8)


def tone(milliseconds: int, rate: int = 48_000, amplitude: int = 8000) -> Sound:
    """A 440 Hz tone, int16."""
    steps = np.arange(rate * milliseconds // 1000)
    return (amplitude * np.sin(2 * np.pi * 440 * steps / rate)).astype(np.int16)
