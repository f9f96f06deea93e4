"""How a portrait behaves when nobody tells it to: kept in its avatar, changed at any moment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from realtime.sliders import demand_within

# Degrees from the photograph that the head may be held at: see `realtime.measure.pose_range`.
GREATEST_YAW, GREATEST_PITCH, GREATEST_ROLL = 10.0, 7.0, 7.0
# The least and the greatest of each number.
RANGES = {
    "blinks": (0.0, 2.0),
    "sway": (0.0, 2.0),
    "yaw": (-GREATEST_YAW, GREATEST_YAW),
    "pitch": (-GREATEST_PITCH, GREATEST_PITCH),
    "roll": (-GREATEST_ROLL, GREATEST_ROLL),
}
TURNS = ("yaw", "pitch", "roll")
# Share of the way to what is asked that is gone in a frame: half of it in a fifth of a second.
_EASE = 0.13
_Number = TypeVar("_Number", float, NDArray[np.float64])


@dataclass(frozen=True)
class Manner:
    """blinks and sway: how much of what is usual, 1 being a calm listener's. yaw, pitch, roll: how
    the head is held, degrees, as in HeadPose. Raises ValueError outside RANGES."""

    blinks: float = 1.0
    sway: float = 1.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def __post_init__(self) -> None:
        demand_within(asdict(self), RANGES)

    def turned(self, *degrees: float) -> Self:
        """Held so many degrees of TURNS further, as far as a head is turned."""
        held = {}
        for name, more in zip(TURNS, degrees, strict=True):
            low, high = RANGES[name]
            held[name] = min(max(getattr(self, name) + more, low), high)
        return replace(self, **held)

    def as_vector(self) -> NDArray[np.float64]:
        """float64 [5], in the order of the fields."""
        return np.array([self.blinks, self.sway, self.yaw, self.pitch, self.roll])

    def towards(self, asked: Self, *, lids_open: bool) -> Self:
        """One frame nearer to what is asked; the blinks change while the lids are open."""
        nearer = {name: eased(value, getattr(asked, name)) for name, value in asdict(self).items()}
        nearer["blinks"] = asked.blinks if lids_open else self.blinks
        return replace(self, **nearer)


def eased(value: _Number, asked: _Number) -> _Number:
    """One frame nearer to what is asked."""
    return value + _EASE * (asked - value)
