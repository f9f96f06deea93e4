"""Idle life: blinks, head sway and breath. A pure function of seed and frame index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

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
# Lids shut fast and rise slowly; before and after they are open.
LID_CLOSED = (0.6, 1.0, 1.0, 0.95, 0.55, 0.2, 0.05)
_LIDS = np.array([0.0, *LID_CLOSED, 0.0])
_NEVER = -1000  # a frame long ago

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
_Number = TypeVar("_Number", float, NDArray[np.float64])


class Waves(NamedTuple):
    """Sums of sines, unit variance: frequencies and phases float64 [..., 3, waves] of three turns.

    The two shifts follow yaw and pitch a quarter of a wave behind, as a body swaying on its hips
    does: the head goes round and never stands still at a turning point.
    """

    radians_per_second: NDArray[np.float64]
    phases: NDArray[np.float64]

    @classmethod
    def draw(cls, random: np.random.Generator, band_hz: tuple[float, float]) -> Waves:
        """One frequency from each part of the band, so that none is left empty."""
        edges = np.geomspace(*band_hz, len(_WAVES) + 1)
        hz = random.uniform(edges[:-1], edges[1:], (3, len(_WAVES)))
        return cls(2 * np.pi * hz, random.uniform(0, 2 * np.pi, hz.shape))

    def at(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Yaw, pitch, roll, shift_x, shift_y at times [...]: float64 [..., 5]."""
        angles = self.radians_per_second * seconds[..., None, None] + self.phases
        waves = np.concatenate([np.sin(angles), -np.cos(angles[..., :2, :])], -2)
        return np.asarray(waves @ _WAVES * np.sqrt(2 / (_WAVES**2).sum()))


class Motion(NamedTuple):
    """How a head moves by itself; of one session, or of many with a leading axis."""

    sway: Waves
    speaking: Waves
    breath_phase: NDArray[np.float64]

    @classmethod
    def draw(cls, random: np.random.Generator) -> Motion:
        bands = (_SWAY_BAND_HZ, _SPEAKING_BAND_HZ)
        sway, speaking = (Waves.draw(random, band) for band in bands)
        return cls(sway, speaking, np.array(random.uniform(0, 2 * np.pi)))

    @classmethod
    def of_all(cls, motions: Sequence[Motion]) -> Motion:
        """Many as one."""
        sways, speakings, phases = zip(*motions, strict=True)
        sway, speaking = (
            Waves(*map(np.stack, zip(*waves, strict=True))) for waves in (sways, speakings)
        )
        return cls(sway, speaking, np.stack(phases))

    def pose(
        self,
        seconds: NDArray[np.float64],
        voice_level: NDArray[np.float64],
        manner: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Times and levels [...], manners [..., 5] as `Manner.as_vector` -> float64 [..., 6], as
        HeadPose.as_vector."""
        sway = _SWAY * self.sway.at(seconds)
        sway += voice_level[..., None] * _SPEAKING_SWAY * self.speaking.at(seconds)
        sway *= manner[..., 1, None]
        sway[..., :3] += manner[..., 2:]
        return np.concatenate([sway, self._breath(seconds)[..., None]], -1)

    def _breath(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        wander = _BREATH_WANDER_RADIANS * np.sin(2 * np.pi * _BREATH_WANDER_HZ * seconds)
        angle = 2 * np.pi * _BREATH_HZ * seconds + self.breath_phase + wander
        return np.asarray(0.5 - 0.5 * np.cos(angle))


class IdleLife:
    """What a listener does without being told to: sways, breathes, blinks."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.motion = Motion.draw(np.random.default_rng(seed))

    def pose(self, index: int, voice_level: float, manner: Manner = _CALM) -> HeadPose:
        """The head in frame `index`; `voice_level` 0 (silent) .. 1 (speaking), smooth in time."""
        seconds, level = np.array(frame_time(index)), np.array(voice_level)
        return HeadPose(*self.motion.pose(seconds, level, manner.as_vector()).tolist())

    def blink(self, index: int, manner: Manner = _CALM) -> float:
        """How far the lids are closed in frame `index`: 0 open .. 1 shut."""
        slot = int(blink_slot(index, manner.blinks))
        starts = self.blinks((slot - 1, slot), manner.blinks)
        return float(lids_closed(index - np.array(starts)))

    def blinks(self, slots: Sequence[int], pace: float) -> list[int]:
        """First frames of the blinks of these slots at `Manner.blinks`, two a slot: a double
        blink, or twice the same."""
        starts = []
        for slot in slots:
            if pace == 0 or slot < 0:
                starts += [_NEVER, _NEVER]
                continue
            within, doubled = _drawn_blink(self._seed, slot)
            start = round((slot * _SLOT_FRAMES + within) / pace)
            starts += [start, start + _DOUBLE_DELAY * doubled]
        return starts


# Every frame asks for the same few slots, and a random generator takes 50 us to make.
@lru_cache(1024)
def _drawn_blink(seed: int, slot: int) -> tuple[int, bool]:
    """The frame of a slot in which its blink starts, and whether it is a double one."""
    random = np.random.default_rng((seed, slot))
    return int(random.integers(*_BLINK_STARTS)), bool(random.random() < _DOUBLE_SHARE)


def blink_slot(index: _Number, pace: _Number) -> _Number:
    """The slot of frame `index` at `Manner.blinks`, and how much of it is over."""
    return index * pace / _SLOT_FRAMES


def lids_closed(since: NDArray[np.int64]) -> NDArray[np.float64]:
    """Frames since the starts of some blinks, [..., blinks] -> 0 open .. 1 shut [...]."""
    return np.asarray(_LIDS[(since + 1).clip(0, len(_LIDS) - 1)].max(-1))
