"""What of many sessions stays on the host: who speaks, how heads move and eyes blink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.audio.voice import RestEasing, speaking
from realtime.clock import Sound, frame_time
from realtime.idle import IdleLife, Motion, blink_slot, lids_closed
from realtime.manner import Manner, eased


@dataclass(frozen=True, eq=False)
class Bearing:
    """How everybody bears themselves in one frame.

    gain float32 [N]: of the lip code, 0 at rest .. 1. pose float32 [N, 6]: as HeadPose.as_vector.
    blink float32 [N]: lids closed, 0 open .. 1 shut.
    """

    gain: NDArray[np.float32]
    pose: NDArray[np.float32]
    blink: NDArray[np.float32]


class Lives:
    """The voices, heads and lids of many sessions: each as in an Engine of its own."""

    def __init__(self, seeds: Sequence[int], manners: Sequence[Manner]) -> None:
        """One seed of idle life and one manner for each session."""
        sessions = len(seeds)
        self._lives = [IdleLife(seed) for seed in seeds]
        self._motion = Motion.of_all([life.motion for life in self._lives])
        self._asked = np.stack([manner.as_vector() for manner in manners])
        self._manner = self._asked.copy()
        self._easing = RestEasing(sessions)
        self._level = np.zeros(sessions)
        self._index = np.zeros(sessions, np.int64)
        # A blink takes 50 us to draw: sessions that began together reach their slots one by one.
        self._early = np.arange(sessions) / sessions
        self._drawn = np.full((sessions, 2), np.nan)
        self._blinks = np.zeros((sessions, 6), np.int64)

    def begin(self, session: int, seed: int, manner: Manner) -> None:
        """Somebody new takes the session's place."""
        self._lives[session] = IdleLife(seed)
        self._motion = Motion.of_all([life.motion for life in self._lives])
        self._asked[session] = self._manner[session] = manner.as_vector()
        self.hush(session)
        self._index[session] = 0
        self._drawn[session] = np.nan

    def ask(self, session: int, manner: Manner) -> None:
        """From now on the session's manner goes over to this one."""
        self._asked[session] = manner.as_vector()

    def hush(self, session: int) -> None:
        """As if the session had heard nothing yet; head and lids go on as they were."""
        self._easing.reset(session)
        self._level[session] = 0

    def step(self, sound: Sound) -> Bearing:
        """Everybody's newest sound, int16 [N, 640] -> the next frame; ValueError on another
        shape."""
        gain = self._easing.push(sound)
        self._level = speaking(self._level, sound)
        seconds = np.array([frame_time(index) for index in self._index.tolist()])
        pose = self._motion.pose(seconds, self._level, self._manner)
        blink = self._lids()
        self._index += 1
        self._ease()
        return Bearing(*(each.astype(np.float32) for each in (gain, pose, blink)))

    def _lids(self) -> NDArray[np.float64]:
        pace = self._manner[:, 0]
        # At most one slot too far, whose blinks are still to come.
        slot = np.floor(blink_slot(self._index.astype(np.float64), pace) + self._early)
        due = np.column_stack([slot, pace])
        for session in np.flatnonzero((due != self._drawn).any(1)):
            newest = int(slot[session])
            slots = range(newest - 2, newest + 1)
            self._blinks[session] = self._lives[session].blinks(slots, pace[session])
        self._drawn = due
        return lids_closed(self._index[:, None] - self._blinks)

    def _ease(self) -> None:
        """As `Manner.towards`, for the frame to come."""
        pace, asked = self._manner[:, 0].copy(), self._asked[:, 0]
        self._manner = eased(self._manner, self._asked)
        self._manner[:, 0] = pace
        for session in np.flatnonzero(pace != asked):
            life, index = self._lives[session], int(self._index[session])
            manners = (Manner(blinks=float(each[session])) for each in (pace, asked))
            if not any(life.blink(index, each) for each in manners):
                self._manner[session, 0] = asked[session]
