"""Style codes: one a region, a prior where there is nothing to see."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from realtime.models.style_encoder import CODE, StyleEncoder
from realtime.regions import REGIONS, Region


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    torch.manual_seed(0)
    network = StyleEncoder()
    torch.nn.init.normal_(network.prior)
    return network


def picture() -> tuple[Tensor, Tensor]:
    """Noise, background above and skin below: photograph and mask with a leading 1."""
    draw = torch.Generator().manual_seed(1)
    photo = torch.rand(1, 3, 256, 256, generator=draw)
    mask = torch.zeros(1, REGIONS, 256, 256)
    mask[:, Region.BACKGROUND, :128] = 1
    mask[:, Region.SKIN, 128:] = 1
    return photo, mask


def test_absent_regions_get_their_prior(encoder: StyleEncoder) -> None:
    codes = encoder(*picture())
    assert codes.shape == (1, REGIONS, CODE)
    absent = [r for r in range(REGIONS) if r not in (Region.BACKGROUND, Region.SKIN)]
    assert torch.equal(codes[0, absent], encoder.prior[absent])
    assert not torch.equal(codes[0, Region.SKIN], encoder.prior[Region.SKIN])


def test_a_few_stray_pixels_are_absent(encoder: StyleEncoder) -> None:
    photo, mask = picture()
    mask[:, :, 200, 100:110] = 0
    mask[:, Region.MOUTH, 200, 100:110] = 1
    codes = encoder(photo, mask)
    assert torch.equal(codes[0, Region.MOUTH], encoder.prior[Region.MOUTH])


def test_far_pixels_do_not_change_a_code(encoder: StyleEncoder) -> None:
    photo, mask = picture()
    mask[:, Region.BACKGROUND, :96] = 0
    mask[:, Region.HAIR, :96] = 1
    before = encoder(photo, mask)
    photo = photo.clone()
    photo[:, :, 224:] = 0
    after = encoder(photo, mask)
    changed = (after - before).abs().amax(2)[0]
    assert changed[Region.SKIN] > 10 * changed[Region.HAIR]
