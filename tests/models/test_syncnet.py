"""SyncNet: what it is shown, and that windows see five frames and their sound alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime.audio.mel import BANDS, HOPS_PER_FRAME
from realtime.face import EYE_DISTANCE, close_lips, move_lips
from realtime.models.lip_code import LOWER_LIP
from realtime.models.syncnet import AFTER, CHANNELS, FRAMES, SIZE, WIDTH, SyncNet, lower_face
from tests.faces import drawn_face


@pytest.fixture
def network() -> SyncNet:
    torch.manual_seed(0)
    return SyncNet().eval().requires_grad_(False)


def test_masks_sum_to_one_and_open_with_the_mouth() -> None:
    face = close_lips(drawn_face())
    drop = np.zeros((478, 2), np.float32)
    drop[[87, LOWER_LIP, 317], 1] = 0.2
    shut, wide = lower_face(face), lower_face(move_lips(face, drop))
    assert shut.shape == (CHANNELS, SIZE, SIZE)
    np.testing.assert_allclose(shut.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(wide.sum(0), 1, atol=1e-5)
    assert wide[3].sum() > shut[3].sum() + 0.05 * (EYE_DISTANCE / 2) ** 2 / 10


def test_a_window_is_five_frames_and_no_sound_long_after_them(network: SyncNet) -> None:
    frames = 20
    masks = torch.rand(1, frames, CHANNELS, SIZE, SIZE)
    mel = torch.randn(1, frames * HOPS_PER_FRAME, BANDS)
    lips, sound = network.see(masks), network.hear(mel)
    windows = torch.arange(frames - FRAMES + 1)
    assert lips.shape == sound.shape == (1, len(windows), WIDTH)
    torch.testing.assert_close(lips.norm(dim=2), torch.ones(1, len(windows)))
    masks[:, 5], mel[:, 15 * HOPS_PER_FRAME : 16 * HOPS_PER_FRAME] = 0, 0
    seen, heard = network.see(masks), network.hear(mel)
    assert torch.equal(_same(lips, seen), (windows < 1) | (windows > 5))
    assert torch.equal(_same(sound, heard), windows < 15 - (FRAMES - 1 + AFTER))


def test_the_ear_learns_nothing(network: SyncNet) -> None:
    network.requires_grad_(True)
    torch.autograd.backward(network.hear(torch.randn(1, 40, BANDS)).sum())
    assert all(each.grad is None for each in network.ear.parameters())
    assert all(each.grad is not None for each in network.sound.parameters())


def _same(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    return torch.isclose(before, after, atol=1e-6).all(2)[0]
