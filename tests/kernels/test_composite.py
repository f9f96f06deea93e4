"""Composing many frames: the reference against the compositor of one, Triton against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from kernels.composite import Placement, composite
from realtime.avatar_file import Avatar
from realtime.backdrop import colour
from realtime.canonical import CanonicalFace
from realtime.commands.common import ASSETS
from realtime.compositor import Compositor, Layer
from realtime.face import LIPS_WINDOW, MOUTH_WINDOW, crop_matrix, within
from realtime.gallery import AvatarGallery
from realtime.head_pose import HeadPose
from realtime.head_warp import STEP
from realtime.lids import Lids
from realtime.setting import Setting
from tests.kernels.interpreter import NEEDS_INTERPRETER

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

BLINKS = (0.0, 0.4, 1.0)
POSES = [
    HeadPose(),
    HeadPose(yaw=6, pitch=-3, roll=2),
    HeadPose(yaw=-4, pitch=5, roll=-3, shift_x=0.1, shift_y=-0.05, breath=1),
]


# What `composite` takes.
Case = tuple[Placement, Tensor, Tensor, Tensor, Tensor, Tensor | None]


@dataclass(frozen=True)
class Moment:
    """What one frame of one portrait is made of."""

    pose: HeadPose
    flow: NDArray[np.float32]
    paint: NDArray[np.float32]
    blink: int

    def shown(self, compositor: Compositor, lids: Lids) -> Tensor:
        """The frame as it should be."""
        whole = np.zeros((*self.flow.shape[1:], 4), np.float32)
        whole[within(LIPS_WINDOW, MOUTH_WINDOW)] = self.paint.transpose(1, 2, 0)
        flow = np.ascontiguousarray(self.flow.transpose(1, 2, 0))
        mouth = Layer(MOUTH_WINDOW, flow, whole[..., 0], whole[..., 1:])
        shut = lids.shut(BLINKS[self.blink]) if self.blink else []
        return torch.from_numpy(compositor.compose(self.pose, [mouth, *shut]))


@pytest.fixture(scope="module", params=["ava", "max"])
def avatar(request: pytest.FixtureRequest) -> Avatar:
    return AvatarGallery(ASSETS).load(request.param)


@pytest.mark.parametrize("room", [None, "blue"])
@pytest.mark.parametrize("size", [(512, 512), (320, 180)])
def test_frames_are_those_of_the_compositor(
    avatar: Avatar, size: tuple[int, int], room: str | None
) -> None:
    background = colour(room) if room else None
    compositor, lids = Compositor(avatar, size, background), lids_of(avatar)
    moments = [moment(seed) for seed in range(len(POSES))]
    found = composite(*case(Setting.of(avatar, size, background), lids, moments))
    assert found.shape == (len(moments), size[1], size[0], 3)
    assert found.dtype == torch.uint8
    for frame, each in zip(found, moments, strict=True):
        wrong = (frame.int() - each.shown(compositor, lids)).abs().float()
        assert float(wrong.mean()) < 0.1
        assert float(wrong.max()) <= 1


def test_nothing_beyond_a_photograph_is_seen() -> None:
    placement, warp, flow, paint, blink, behind = case_of_noise(frames=2, size=(24, 16))
    rest = warp, flow, paint, blink, behind
    wider = F.pad(placement.picture, (0, 0, 0, 7, 0, 3), value=255)
    found = composite(replace(placement, picture=wider), *rest)
    assert torch.equal(found, composite(placement, *rest))


@NEEDS_INTERPRETER
@pytest.mark.parametrize(
    ("frames", "size", "room"), [(1, (140, 4), False), (2, (26, 8), True), (2, (6, 10), False)]
)
def test_triton_composes_the_same(frames: int, size: tuple[int, int], room: bool) -> None:
    placement, warp, flow, paint, blink, behind = case_of_noise(frames, size)
    parts = placement, warp, flow, paint, blink, behind if room else None
    out = torch.zeros(frames, *size[::-1], 3, dtype=torch.uint8, device=DEVICE)
    assert composite(*parts, impl="triton", out=out) is out
    wrong = (out.int() - composite(*parts, impl="reference").int()).abs().float()
    assert float(wrong.max()) <= 1
    assert float(wrong.mean()) < 1e-3


def moment(seed: int) -> Moment:
    """A pose, a mouth that moves by several pixels, paint with edges, and lids."""
    random = np.random.default_rng(seed)

    def smooth(channels: int, height: int, width: int) -> NDArray[np.float32]:
        coarse = random.uniform(-1, 1, (5, 5, channels)).astype(np.float32)
        fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        return np.asarray(fine.transpose(2, 0, 1), np.float32)

    paint = (0.5 + smooth(4, 96, 112)).clip(0, 1)
    paint[0, :8], paint[0, -8:] = 0, 0
    return Moment(POSES[seed], 6 * smooth(2, 160, 160), paint, seed % len(BLINKS))


def lids_of(avatar: Avatar) -> Lids:
    face = CanonicalFace.of(avatar)
    return Lids(face.crop, face.points, np.zeros(face.crop.shape[:2], np.float32))


def case(setting: Setting, lids: Lids, moments: list[Moment]) -> Case:
    """What `composite` takes for these moments of one portrait."""
    view = setting.view
    to_crop = crop_matrix(view.points)
    constant: list[NDArray[Any]] = [
        view.picture,
        np.array(view.picture.shape[1::-1], np.int32),
        np.array([*view.origin, view.scale], np.float32),
        to_crop,
        np.linalg.inv(to_crop[:, :2]),
        np.stack([painted(lids, amount) for amount in BLINKS]),
    ]

    def many(part: NDArray[Any]) -> Tensor:
        return torch.from_numpy(part).expand(len(moments), *part.shape)

    poses = np.stack([each.pose.as_vector() for each in moments])
    return (
        Placement(view.size, *map(many, constant)),
        torch.from_numpy(np.tensordot(poses, setting.warp.whole, 1)),
        torch.from_numpy(np.stack([each.flow for each in moments])),
        torch.from_numpy(np.stack([each.paint for each in moments])),
        torch.tensor([each.blink for each in moments], dtype=torch.int32),
        None if setting.behind is None else many(setting.behind),
    )


def painted(lids: Lids, amount: float) -> NDArray[np.uint8]:
    """Both lids, colours times matte and matte: uint8 [2, 64, 96, 4]."""
    if amount == 0:
        return np.zeros((2, 64, 96, 4), np.uint8)
    paint = [np.dstack([lid.inside * lid.matte[..., None], lid.matte]) for lid in lids.shut(amount)]
    return np.round(255 * np.stack(paint)).astype(np.uint8)


def case_of_noise(frames: int, size: tuple[int, int]) -> Case:
    """Small frames that show the whole crop, and the photograph's rim."""
    width, height = size
    draw = torch.Generator().manual_seed(width)

    def random(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=draw)

    def noise(*shape: int) -> Tensor:
        return torch.randint(256, shape, generator=draw, dtype=torch.uint8)

    scale = 0.9 + 0.2 * random(frames)
    extent = torch.tensor([width, height]).expand(frames, 2)
    to_crop = torch.tensor([[256 / width, 9, -5], [-9, 256 / height, 6]]).expand(frames, 2, 3)
    placement = Placement(
        size,
        noise(frames, height, width, 4),
        extent.int(),
        torch.stack([2 * random(frames) - 1, 2 * random(frames) - 1, scale], 1),
        to_crop,
        torch.linalg.inv(to_crop[..., :2]),
        noise(frames, 4, 2, 64, 96, 4),
    )
    parts = (
        random(frames, -(-height // STEP), -(-width // STEP), 2),
        20 * random(frames, 2, 160, 160) - 10,
        random(frames, 4, 96, 112),
        torch.arange(frames, dtype=torch.int32),
        noise(frames, height, width, 3),
    )
    tensors = {name: part.to(DEVICE) for name, part in vars(placement).items() if name != "size"}
    warp, flow, paint, blink, behind = (part.to(DEVICE) for part in parts)
    return replace(placement, **tensors), warp, flow, paint, blink, behind
