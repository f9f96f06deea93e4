"""One portrait shown by a GPU, in an engine whose talk goes on as ever."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.batched.crowd import Faces, Portrait
from realtime.batched.drawing import POINTS
from realtime.batched.replay import Replay
from realtime.batched.stage import blink_place
from realtime.face import Points
from realtime.head_pose import HeadPose
from realtime.models.networks import Networks


class DeviceLook:
    """What `realtime.engine` shows a portrait with: mask, generator and compositor in one call."""

    def __init__(
        self,
        networks: Networks,
        avatar: Avatar,
        size: tuple[int, int],
        background: Background,
        device: torch.device,
    ) -> None:
        """size: (width, height). ValueError for what a batch does not show: see Portrait."""
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        faces = Faces(networks, 1, size, dtype)
        faces.seat(0, Portrait.of(networks, avatar, size, background))
        given = (
            torch.zeros(1, len(POINTS), 2),
            torch.zeros(1, len(HeadPose().as_vector())),
            torch.zeros(1, dtype=torch.int32),
        )
        made = torch.zeros(1, size[1], size[0], 3, dtype=torch.uint8)
        self._show = Replay(faces, given, made, device)

    def show(self, pose: HeadPose, motion: Points, blink: float) -> NDArray[np.uint8]:
        """See `realtime.engine.Look`."""
        place = blink_place(np.array([blink], np.float32))
        shown = self._show(motion[None, POINTS, :2], pose.as_vector()[None], place)
        return np.array(shown[0], np.uint8)
