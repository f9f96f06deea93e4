"""Idle life: blinks, head sway and breath. A pure function of seed and frame index."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.clock import frame_time, seconds_to_frames
from realtime.head_pose import HeadPose
from realtime.manner import Manner

# One blink begins in every slot; where in it is drawn, so gaps last 1.6 to 5.6 s, 16 a minute.
_SLOT_FRAMES = seconds_to_frames(3.6)
_BLINK_STARTS = (seconds_to_frames(0.4), seconds_to_frames(2.4))
_DOUBLE_SHARE = 0.12
_DOUBLE_DELAY = seconds_to_frames(0.4)
# Lids shut fast and rise slowly.
LID_CLOSED = (0.6, 1.0, 1.0, 0.95, 0.55, 0.2, 0.05)

# Standard deviations of yaw, pitch, roll (degrees), shift_x, shift_y (eye distances).
_SWAY = np.array([1.3, 0.75, 0.7, 0.020, 0.011])
_SPEAKING_SWAY = np.array([0.8, 0.8, 0.45, 0.010, 0.009])
_SWAY_BAND_HZ = (0.1, 0.45)
_SPEAKING_BAND_HZ = (0.3, 0.6)
# One wave leads, or they would cancel now and then and the head would freeze.
_WAVES = np.array([0.5, 1.0, 0.4, 0.3])
_BREATH_HZ = 0.24
_CALM = Manner()
_BREATH_WANDER_HZ, _BREATH_WANDER_RADIANS = 0.031, 0.9


class _Waves(NamedTuple):
    """Sums of sines, unit variance: frequencies and phases float64 [3, waves] of three turns.

    The two shifts follow yaw and pitch a quarter of a wave behind, as a body swaying on its hips
    does: the head goes round and never stands still at a turning point.
    """

    radians_per_second: NDArray[np.float64]
    phases: NDArray[np.float64]

    @classmethod
    def draw(cls, random: np.random.Generator, band_hz: tuple[float, float]) -> _Waves:
        """One frequency from each part of the band, so that none is left empty."""
        edges = np.geomspace(*band_hz, len(_WAVES) + 1)
        hz = random.uniform(edges[:-1], edges[1:], (3, len(_WAVES)))
        return cls(2 * np.pi * hz, random.uniform(0, 2 * np.pi, hz.shape))

    def at(self, seconds: float) -> NDArray[np.float64]:
        """Yaw, pitch, roll, shift_x, shift_y: float64 [5]."""
        angles = self.radians_per_second * seconds + self.phases
        waves = np.concatenate([np.sin(angles), -np.cos(angles[:2])])
        return np.asarray(waves @ _WAVES * np.sqrt(2 / (_WAVES**2).sum()))


class IdleLife:
    """What a listener does without being told to: sways, breathes, blinks."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self._seed = seed
        self._sway = _Waves.draw(random, _SWAY_BAND_HZ)
        self._speaking = _Waves.draw(random, _SPEAKING_BAND_HZ)
        self._breath_phase = float(random.uniform(0, 2 * np.pi))

    def pose(self, index: int, voice_level: float, manner: Manner = _CALM) -> HeadPose:
        """The head in frame `index`; `voice_level` 0 (silent) .. 1 (speaking), smooth in time."""
        seconds = frame_time(index)
        sway = _SWAY * self._sway.at(seconds)
        sway += voice_level * _SPEAKING_SWAY * self._speaking.at(seconds)
        sway *= manner.sway
        sway[:3] += manner.yaw, manner.pitch, manner.roll
        yaw, pitch, roll, shift_x, shift_y = sway.tolist()
        return HeadPose(yaw, pitch, roll, shift_x, shift_y, self._breath(seconds))

    def blink(self, index: int, manner: Manner = _CALM) -> float:
        """How far the lids are closed in frame `index`: 0 open .. 1 shut."""
        if not manner.blinks:
            return 0.0
        slot = int(index * manner.blinks / _SLOT_FRAMES)
        starts = [start for each in (slot - 1, slot) for start in self._blinks(each, manner)]
        return max((_lid(index - start) for start in starts), default=0.0)

    def _breath(self, seconds: float) -> float:
        wander = _BREATH_WANDER_RADIANS * np.sin(2 * np.pi * _BREATH_WANDER_HZ * seconds)
        angle = 2 * np.pi * _BREATH_HZ * seconds + self._breath_phase + wander
        return float(0.5 - 0.5 * np.cos(angle))

    def _blinks(self, slot: int, manner: Manner) -> list[int]:
        """First frames of the blinks of a slot; a double blink is two."""
        if slot < 0:
            return []
        within, doubled = _drawn_blink(self._seed, slot)
        start = round((slot * _SLOT_FRAMES + within) / manner.blinks)
        return [start, start + _DOUBLE_DELAY] if doubled else [start]


# Every frame asks for the same two slots, and a random generator takes 50 us to make.
@lru_cache(64)
def _drawn_blink(seed: int, slot: int) -> tuple[int, bool]:
    """The frame of a slot in which its blink starts, and whether it is a double one."""
    random = np.random.default_rng((seed, slot))
    return int(random.integers(*_BLINK_STARTS)), bool(random.random() < _DOUBLE_SHARE)


def _lid(frames_since_start: int) -> float:
    inside = 0 <= frames_since_start < len(LID_CLOSED)
    return LID_CLOSED[frames_since_start] if inside else 0.0
