"""The adversary: its losses, and that it learns to tell."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from realtime.training.discriminator import (
    PatchDiscriminator,
    deceiving_loss,
    r1_penalty,
    telling_loss,
)


def test_who_knows_nothing_loses_the_logarithm_of_two() -> None:
    nothing = torch.zeros(2, 1, 3, 3)
    assert deceiving_loss(nothing) == pytest.approx(math.log(2))
    assert telling_loss(nothing, nothing) == pytest.approx(2 * math.log(2))
    assert deceiving_loss(nothing + 9) < 1e-3
    assert telling_loss(nothing + 9, nothing - 9) < 1e-3


def test_the_slope_of_a_plane_is_known() -> None:
    plane = nn.Conv2d(3, 1, 1, bias=False)
    nn.init.constant_(plane.weight, 2.0)
    assert r1_penalty(plane, torch.rand(2, 3, 4, 4)).item() == pytest.approx(0.5 * 3 * 2**2)


def test_it_learns_to_tell_stripes_from_grey() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator()
    stripes = torch.zeros(2, 3, 32, 32)
    stripes[..., ::2] = 1
    grey = torch.full_like(stripes, 0.5)
    adam = torch.optim.Adam(discriminator.parameters(), 1e-3)
    for _ in range(30):
        adam.zero_grad()
        loss = telling_loss(discriminator(stripes), discriminator(grey))
        torch.autograd.backward(loss + r1_penalty(discriminator, stripes))
        adam.step()
    assert discriminator(stripes).mean() > 0 > discriminator(grey).mean()
    assert discriminator(stripes).shape == (2, 1, 2, 2)
