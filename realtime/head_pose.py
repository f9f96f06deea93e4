"""How the head stands in one frame, relative to how it stands in the photograph."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class HeadPose:
    """All zero is the photograph itself.

    yaw: degrees, positive turns the nose to the picture's right. pitch: degrees, positive lowers
    the nose. roll: degrees, positive tips the head clockwise. shift_x, shift_y: eye distances,
    right and down. breath: 0 (out) .. 1 (in).
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    breath: float = 0.0

    def as_vector(self) -> NDArray[np.float32]:
        """float32 [6], in the order of the fields."""
        return np.array(astuple(self), np.float32)
