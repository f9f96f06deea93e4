"""The face generator: a regional StyleGAN that moves the photograph's pixels and paints the rest.

From the mask wanted, and everything known of the avatar, it predicts a backward flow into the
photograph, a matte, a shade for the mouth plate and a colour:

    face   = (1 - a) * photograph(p + flow) + a * inside
    inside = lerp(1/2, plate * 1.2 sigmoid(shade + 1), near the mouth) + 1/2 tanh(colour)

It covers the canonical crop from 16x16 to 256x256 but is run on a window only, whose edges lie on
multiples of 16 pixels. `realtime.models.renderer` computes what depends on the avatar alone
once.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kernels.regional_conv2d import regional_conv2d
from realtime.face import CROP, Window
from realtime.models.style_encoder import CODE
from realtime.regions import REGIONS, Region

BASE = 16
CHANNELS = (128, 128, 96, 64, 32)
CONDITION = REGIONS + 3  # target mask and plate; the reference's are mask and photograph

_COLOUR, _FLOW, _MATTE, _SHADE = slice(0, 3), slice(3, 5), slice(5, 6), slice(6, 7)
_HEADS = 7
# A mouth opening of one pixel must already show the plate whole: the mask blurred, times this.
_NEAR_REACH, _NEAR_GAIN = 5, 4.0


class RegionalConv(nn.Module):
    """A regional convolution whose scales are an affine function of the style codes."""

    noise: Tensor

    def __init__(self, into: int, out: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out, into, 3, 3) * (9 * into) ** -0.5)
        self.style = nn.Linear(CODE, into)
        self.bias = nn.Parameter(torch.zeros(out))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        draw = torch.Generator().manual_seed(size * out + into)
        noise = torch.randn(1, 1, size, size, generator=draw)
        self.register_buffer("noise", noise, persistent=False)

    def scale(self, codes: Tensor) -> Tensor:
        """Codes [N, 12, 64] -> s_r [N, 12, I]."""
        return 1 + torch.as_tensor(self.style(codes))

    def shift(self, window: Window) -> Tensor:
        """Noise and bias [1, O, h, w], before the activation."""
        return self.bias[:, None, None] + self.noise_strength * cut(self.noise, window)

    def forward(self, x: Tensor, mask: Tensor, codes: Tensor, shift: Tensor) -> Tensor:
        return regional_conv2d(x, self.weight, mask, self.scale(codes), shift)


class Level(nn.Module):
    """Two regional convolutions of one size, what they are told, and the heads."""

    def __init__(self, into: int, out: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.first = RegionalConv(into, out, size)
        self.second = RegionalConv(out, out, size)
        self.condition = nn.Conv2d(CONDITION, out, 3, padding=1, bias=False)
        self.reference = nn.Sequential(
            nn.Conv2d(CONDITION, out, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(out, out, 1, bias=False),
        )
        self.head = nn.Conv2d(out, _HEADS, 1)
        nn.init.normal_(self.head.weight, std=0.1 * out**-0.5)

    def forward(
        self, x: Tensor, condition: Tensor, reference: Tensor, codes: Tensor, window: Window
    ) -> tuple[Tensor, Tensor]:
        """Features of the level below, [N, I, h / 2, w / 2] (at the coarsest the constant,
        [N, I, h, w]) -> features [N, O, h, w] and this level's heads [N, 7, h, w]."""
        mask = condition[:, :REGIONS]
        told = self.condition(condition) + self.reference(reference)
        x = self.first(x, mask, codes, self.first.shift(window) + told)
        x = self.second(x, mask, codes, self.second.shift(window))
        return x, self.head(x)


class Generator(nn.Module):
    """See the head of this file. Built with random weights; `realtime.models.weights` loads."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, CHANNELS[0], BASE, BASE))
        widths = (CHANNELS[0], *CHANNELS)
        self.levels = nn.ModuleList(
            Level(into, out, BASE << index)
            for index, (into, out) in enumerate(itertools.pairwise(widths))
        )

    def forward(
        self,
        photo: Tensor,
        reference_mask: Tensor,
        codes: Tensor,
        target_mask: Tensor,
        plate: Tensor,
        window: Window,
    ) -> Tensor:
        """The summed heads [N, 7, h, w]: colour 3, flow 2, matte 1, shade 1 (see `compose`).

        photo [N, 3, 256, 256] and reference_mask [N, 12, 256, 256] are the whole crop's;
        target_mask [N, 12, h, w] and plate [N, 3, h, w] the window's.
        """
        conditions = pyramid(torch.cat([target_mask, plate], 1))
        references = pyramid(cut(torch.cat([reference_mask, photo], 1), window))
        x = cut(self.constant, window).expand(len(photo), -1, -1, -1)
        heads: Tensor | None = None
        for level, condition, reference in zip(self.levels, conditions, references, strict=True):
            x, new = level(x, condition, reference, codes, window)
            heads = sum_heads(heads, new)
        assert heads is not None
        return heads


def compose(heads: Tensor, target_mask: Tensor, plate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Heads [N, 7, h, w] -> flow [N, 2, h, w], matte [N, 1, h, w] and inside [N, 3, h, w]."""
    lit = plate * (1.2 * torch.sigmoid(heads[:, _SHADE] + 1))
    near = _near_mouth(target_mask)
    inside = torch.lerp(torch.full_like(lit, 0.5), lit, near) + 0.5 * torch.tanh(heads[:, _COLOUR])
    return heads[:, _FLOW], torch.sigmoid(heads[:, _MATTE]), inside.clamp(0, 1)


def cut(x: Tensor, window: Window) -> Tensor:
    """The part of the whole crop x [N, C, size, size] where the window lies.

    Raises ValueError unless the window's edges lie on the coarsest level's grid.
    """
    grid, step = CROP // BASE, CROP // x.shape[-1]
    edges = [edge for part in window for edge in (part.start, part.stop)]
    if any(edge % grid for edge in edges):
        raise ValueError(f"expected window edges on multiples of {grid} px, found {edges}")
    top, bottom, left, right = (edge // step for edge in edges)
    return x[..., top:bottom, left:right]


def pyramid(x: Tensor) -> list[Tensor]:
    """x halved again and again, one for each level, the coarsest first."""
    pyramid = [x]
    for _ in CHANNELS[1:]:
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid[::-1]


def sum_heads(sum_so_far: Tensor | None, new: Tensor) -> Tensor:
    """Heads of a level on top of the coarser levels', as StyleGAN2 sums its ToRGB outputs."""
    if sum_so_far is None:
        return new
    larger = F.interpolate(sum_so_far, scale_factor=2.0, mode="bilinear", align_corners=False)
    return larger + new


def _near_mouth(target_mask: Tensor) -> Tensor:
    """1 in and just around the mouth opening, softly 0 elsewhere: [N, 1, h, w]."""
    mouth = target_mask[:, Region.MOUTH : Region.MOUTH + 1]
    blurred = F.avg_pool2d(mouth, _NEAR_REACH, stride=1, padding=_NEAR_REACH // 2)
    return (_NEAR_GAIN * blurred).clamp(0, 1)
