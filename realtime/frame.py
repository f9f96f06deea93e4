"""What an engine makes and everybody else shows: a picture and the sound that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.clock import Sound

Picture = NDArray[np.uint8]

# Who begins a step so long after its sound was complete leaves the picture out and catches up. A
# frame and a half: a device that gives two frames of sound at once makes nobody late.
LATE_S = 0.06


@dataclass(frozen=True)
class Frame:
    """A picture and the sound that belongs to it.

    `image` is RGB uint8 [H, W, 3]; `sound` is int16 [640], the input of lookahead steps ago. Who
    shows the one and plays the other at the same moment is in sync.
    """

    index: int
    image: Picture
    sound: Sound


class Steps(Protocol):
    """What outputs and calls need of an engine."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every image, px."""

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        """Takes exactly 640 samples and gives exactly one frame; ValueError on another length.

        Not fresh, the picture is the one before, made in no time; sound and talk go on.
        """

    def reset(self) -> None:
        """Forgets all sound heard and not yet shown: the mouth is at rest in the next frame."""
