"""How far a head may turn before one sees that a photograph was warped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.head_pose import HeadPose
from realtime.head_warp import HeadWarp
from realtime.manner import TURNS
from realtime.view import lay_out

# Beyond this a part of the face looks swollen or pinched.
_HONEST = 1.7
_FARTHEST = 30  # degrees


def pose_range(avatar: Avatar, size: tuple[int, int]) -> dict[str, int]:
    """TURN_degrees: up to so many, to either side, no place is stretched or squeezed 1.7 times."""
    warp = HeadWarp(lay_out(avatar.picture, avatar.matte, avatar.points, size))

    def honest(turn: str, degrees: int) -> bool:
        poses = (replace(HeadPose(), **{turn: side * degrees}) for side in (-1, 1))
        return all(distortion(warp.everywhere(warp.grid(pose))) <= _HONEST for pose in poses)

    return {f"{turn}_degrees": _last(partial(honest, turn)) for turn in TURNS}


def distortion(offset: NDArray[np.float32]) -> float:
    """The most that any place is stretched or squeezed where pixel p shows p + offset[p].

    offset: float32 [h, w, 2], pixels. 1 is nowhere at all, infinity somewhere folded.
    """
    down, across = np.gradient(offset, axis=(0, 1))
    slope = np.stack([across, down], -1) + np.eye(2)
    if (np.linalg.det(slope) <= 0).any():
        return float("inf")
    values = np.linalg.svd(slope, compute_uv=False)
    return float(max(values.max(), 1 / values.min()))


def _last(holds: Callable[[int], bool]) -> int:
    """The last whole number, from 0 on, up to which `holds` is true."""
    return next((n for n in range(_FARTHEST) if not holds(n + 1)), _FARTHEST)
