"""Portraits in their frames: heads that move, and the face laid on them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kernels.composite import Placement, composite
from realtime.canonical import CanonicalFace
from realtime.face import EYE_WINDOWS, crop_matrix
from realtime.head_warp import STEP
from realtime.idle import LID_CLOSED
from realtime.lids import Lids
from realtime.regions import Region
from realtime.setting import GREATEST_SCALE, Setting
from realtime.view import MARGIN

# The lids are painted beforehand for every amount that a blink goes through.
LID_AMOUNTS = tuple(sorted({0.0, *LID_CLOSED}))
_EYE = tuple(part.stop - part.start for part in EYE_WINDOWS[0])


@dataclass(frozen=True, eq=False)
class Standing:
    """One portrait in a frame: see `kernels.composite`. warps: float32 [6, rows * columns * 2], of
    one unit of each of a pose's numbers. behind: uint8 [H, W, 3]; black where the room is left."""

    picture: Tensor
    extent: Tensor
    placing: Tensor
    to_crop: Tensor
    from_crop: Tensor
    lids: Tensor
    warps: Tensor
    behind: Tensor

    @classmethod
    def of(cls, setting: Setting, face: CanonicalFace) -> Standing:
        """Raises ValueError if what is behind moves."""
        if setting.scene is not None:
            raise ValueError("expected a background that stands still, found a video")
        view = setting.view.cut(MARGIN)
        to_crop = crop_matrix(view.points)
        picture = view.picture.copy()
        if setting.behind is None:
            picture[..., 3] = 255
        behind = setting.behind
        width, height = view.size
        parts: tuple[NDArray[np.generic], ...] = (
            picture,
            np.array(picture.shape[1::-1], np.int32),
            np.array([*view.origin, view.scale], np.float32),
            to_crop,
            cv2.invertAffineTransform(to_crop)[:, :2].astype(np.float32),
            _lids(face),
            setting.warp.whole.reshape(6, -1),
            np.zeros((height, width, 3), np.uint8) if behind is None else behind,
        )
        return cls(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))


class Stage(nn.Module):
    """Where every session's portrait stands, a row each, which `seat` fills in."""

    picture: Tensor
    extent: Tensor
    placing: Tensor
    to_crop: Tensor
    from_crop: Tensor
    lids: Tensor
    warps: Tensor
    behind: Tensor

    def __init__(self, sessions: int, size: tuple[int, int]) -> None:
        """size: every frame's (width, height)."""
        super().__init__()
        self._size = size
        width, height = size
        self._cells = -(-height // STEP), -(-width // STEP)
        tall, wide = (math.ceil(GREATEST_SCALE * (side + 2 * MARGIN)) + 2 for side in size[::-1])
        for name, shape, dtype in (
            ("picture", (tall, wide, 4), torch.uint8),
            ("extent", (2,), torch.int32),
            ("placing", (3,), torch.float32),
            ("to_crop", (2, 3), torch.float32),
            ("from_crop", (2, 2), torch.float32),
            ("lids", (len(LID_AMOUNTS), 2, *_EYE, 4), torch.uint8),
            ("warps", (6, math.prod(self._cells) * 2), torch.float32),
            ("behind", (height, width, 3), torch.uint8),
        ):
            self.register_buffer(name, torch.zeros(sessions, *shape, dtype=dtype))

    def seat(self, session: int, standing: Standing) -> None:
        """The session shows this portrait from now on."""
        for field in fields(standing):
            part = getattr(standing, field.name)
            row = self.get_buffer(field.name)[session]
            if field.name == "picture":
                row = row[: part.shape[0], : part.shape[1]]
            row.copy_(part)

    def forward(
        self, pose: Tensor, flow: Tensor, matte: Tensor, inside: Tensor, blink: Tensor
    ) -> Tensor:
        """pose float32 [N, 6] as HeadPose.as_vector, the generator's layers, and int32 [N] places
        in LID_AMOUNTS -> frames, RGB uint8 [N, H, W, 3]."""
        placement = Placement(
            self._size,
            *(self.picture, self.extent, self.placing, self.to_crop, self.from_crop, self.lids),
        )
        warp = torch.bmm(pose[:, None], self.warps).view(-1, *self._cells, 2)
        paint = torch.cat([matte, inside], 1)
        return composite(placement, warp, flow.contiguous(), paint, blink, self.behind)


def blink_place(closed: NDArray[np.float32]) -> NDArray[np.int32]:
    """Places in LID_AMOUNTS of what a blink goes through, 0 open .. 1 shut: int32 [N]."""
    return np.searchsorted(np.array(LID_AMOUNTS, np.float32), closed).astype(np.int32)


def _lids(face: CanonicalFace) -> NDArray[np.uint8]:
    """Both eyes' lids for every amount: colours times matte, and matte, uint8 [K, 2, 64, 96, 4]."""
    lids = Lids(face.crop, face.points, face.mask[Region.ACCESSORIES])
    painted = np.zeros((len(LID_AMOUNTS), 2, *_EYE, 4), np.float32)
    for amount, eyes in zip(LID_AMOUNTS[1:], painted[1:], strict=True):
        for eye, layer in zip(eyes, lids.shut(amount), strict=True):
            eye[..., :3], eye[..., 3] = layer.inside * layer.matte[..., None], layer.matte
    return np.asarray(255 * painted + 0.5, np.uint8)
