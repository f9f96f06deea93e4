"""The live call: samples go in, frames come out to every output at their moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from realtime.audio.intake import Intake
from realtime.clock import FRAME_SAMPLES, Sound, frame_time
from realtime.frame import LATE_S, Frame, Picture, Steps
from realtime.outputs.playout import Playout
from realtime.outputs.stills import be_right_back

SILENCE_DBFS = -96.0


class Sink(Protocol):
    """Takes frames without ever blocking."""

    def put(self, frame: Frame, due: float) -> None:
        """A frame to be shown at `due`, s."""


def level_dbfs(sound: Sound) -> float:
    """Root mean square of int16 [any] against full scale, dB; SILENCE_DBFS for silence."""
    power = float(np.mean(np.square(sound.astype(np.float64)))) if len(sound) else 0.0
    return max(SILENCE_DBFS, 10 * math.log10(power / 32768**2)) if power else SILENCE_DBFS


class LiveLoop:
    """No thread, no I/O; `tick` is told what the microphone gave, `clock` gives seconds.

    Frames are numbered from 0 without holes, also while paused, when every frame is one still and
    silence. With a playout, a frame is due when its sound will be heard; without, at once.
    """

    def __init__(
        self,
        engine: Steps,
        sinks: Sequence[Sink],
        playout: Playout | None,
        clock: Callable[[], float],
    ) -> None:
        self.muted = False
        self.intake = Intake(clock())
        self._clock = clock
        self._engine = engine
        self._sinks = sinks
        self._playout = playout
        self._still: Picture | None = None
        width, height = engine.size
        self._shown: Picture = np.zeros((height, width, 3), np.uint8)
        self._frames = 0
        self._left_out = 0
        self._level = SILENCE_DBFS
        self._output_delay_s = 0.0

    @property
    def frames(self) -> int:
        """Frames made since the start."""
        return self._frames

    @property
    def left_out(self) -> int:
        """Frames that show the picture before, since the engine was late."""
        return self._left_out

    @property
    def level_dbfs(self) -> float:
        """Loudness of what the last frame took from the microphone."""
        return self._level

    @property
    def output_delay_s(self) -> float:
        """From the moment the last frame's sound was complete until it is shown and heard."""
        return self._output_delay_s

    @property
    def paused(self) -> bool:
        return self._still is not None

    def pause(self, paused: bool) -> None:
        """Shows "be right back" and silence, or goes on with the mouth at rest."""
        if paused == self.paused:
            return
        self._still = be_right_back(self._shown) if paused else None
        self._engine.reset()

    def change(self, engine: Steps) -> None:
        """Goes on with another engine, of the same size, that knows the talk under way."""
        self._engine = engine

    def tick(self, samples: Sound) -> None:
        """Takes int16 [any, also none]; hands on every frame now complete.

        Of what is late only the sound goes on: the picture before stays.
        """
        taken_at = self._clock()
        blocks = self.intake.take(taken_at, samples)
        for later, block in zip(reversed(range(len(blocks))), blocks, strict=True):
            self._level = level_dbfs(block)
            complete_at = taken_at - frame_time(later)
            frame = self._frame_of(block, fresh=self._clock() - complete_at < LATE_S)
            self._hand_on(replace(frame, index=self._frames), complete_at)
            self._frames += 1

    def _frame_of(self, block: Sound, fresh: bool) -> Frame:
        silence = np.zeros(FRAME_SAMPLES, np.int16)
        if self._still is not None:
            return Frame(self._frames, self._still, silence)
        frame = self._engine.step(silence if self.muted else block, fresh=fresh)
        self._left_out += not fresh
        self._shown = frame.image
        return frame

    def _hand_on(self, frame: Frame, complete_at: float) -> None:
        now = self._clock()
        due = self._playout.write(frame.sound, now) if self._playout else now
        self._output_delay_s = due - complete_at
        for sink in self._sinks:
            sink.put(frame, due)
