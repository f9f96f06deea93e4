"""The face generator: a regional StyleGAN that moves the photograph's pixels and paints the rest.

From the mask wanted, and everything known of the avatar, it predicts a backward flow into the
photograph and, around the lips, a matte, a shade for the mouth plate and a colour:

    face   = (1 - a) * photograph(p + flow) + a * inside
    inside = lerp(1/2, plate * 1.2 sigmoid(shade + 1), near the mouth) + 1/2 tanh(colour)

Its levels are named by the side of the whole canonical crop, 16 to 256. The coarse ones see the
mouth's window, where flow is smooth; the fine ones the lips' alone, where it has edges and where
something is painted. `realtime.models.renderer` computes what depends on the avatar alone once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kernels.regional_conv2d import regional_conv2d
from realtime.face import LIPS_WINDOW, MOUTH_WINDOW, WHOLE, Window, within
from realtime.models.style_encoder import CODE
from realtime.regions import REGIONS, Region

BASE = 16
COARSE, FINE = (96, 96, 64), (48, 24)  # channels
CONDITION = REGIONS + 3  # target mask and plate; the reference's are mask and photograph

_COLOUR, _FLOW, _MATTE, _SHADE = slice(0, 3), slice(3, 5), slice(5, 6), slice(6, 7)
_HEADS = 7
# From coarse to fine flow, and from photograph to paint, within so many pixels of the lips' window.
_FADE = 8
# A mouth opening of one pixel must already show the plate whole: the mask blurred, times this.
_NEAR_REACH, _NEAR_GAIN = 5, 4.0


class RegionalConv(nn.Module):
    """A regional convolution whose scales are an affine function of the style codes."""

    noise: Tensor

    def __init__(self, into: int, out: int, size: int, window: Window) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out, into, 3, 3) * (9 * into) ** -0.5)
        self.style = nn.Linear(CODE, into)
        self.bias = nn.Parameter(torch.zeros(out))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        draw = torch.Generator().manual_seed(size * out + into)
        noise = cut(torch.randn(1, 1, size, size, generator=draw), window)
        self.register_buffer("noise", noise, persistent=False)

    def scale(self, codes: Tensor) -> Tensor:
        """Codes [N, 12, 64] -> s_r [N, 12, I]."""
        return 1 + torch.as_tensor(self.style(codes))

    def shift(self) -> Tensor:
        """Noise and bias [1, O, h, w], before the activation."""
        return self.bias[:, None, None] + self.noise_strength * self.noise

    def forward(self, x: Tensor, mask: Tensor, codes: Tensor, shift: Tensor) -> Tensor:
        return regional_conv2d(x, self.weight, mask, self.scale(codes), shift)


class Level(nn.Module):
    """Two regional convolutions in one window, what they are told, and the heads."""

    def __init__(self, into: int, out: int, size: int, window: Window) -> None:
        super().__init__()
        self.size = size
        self.first = RegionalConv(into, out, size, window)
        self.second = RegionalConv(out, out, size, window)
        self.condition = nn.Conv2d(CONDITION, out, 1, bias=False)
        self.reference = nn.Sequential(
            nn.Conv2d(CONDITION, out, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(out, out, 1, bias=False),
        )
        self.head = nn.Conv2d(out, _HEADS, 1)
        nn.init.normal_(self.head.weight, std=0.1 * out**-0.5)

    def forward(
        self, x: Tensor, condition: Tensor, reference: Tensor, codes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Features of the level below, [N, I, h / 2, w / 2] (at the coarsest the constant,
        [N, I, h, w]) -> features [N, O, h, w] and this level's heads [N, 7, h, w]."""
        mask = condition[:, :REGIONS]
        told = self.condition(condition) + self.reference(reference)
        x = self.first(x, mask, codes, self.first.shift() + told)
        x = self.second(x, mask, codes, self.second.shift())
        return x, self.head(x)


class Generator(nn.Module):
    """See the head of this file. Built with random weights; `realtime.models.weights` loads."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, COARSE[0], BASE, BASE))
        windows = (MOUTH_WINDOW,) * len(COARSE) + (LIPS_WINDOW,) * len(FINE)
        shapes = zip(itertools.pairwise((COARSE[0], *COARSE, *FINE)), windows, strict=True)
        self.levels = nn.ModuleList(
            Level(into, out, BASE << index, window)
            for index, ((into, out), window) in enumerate(shapes)
        )

    def forward(
        self,
        photo: Tensor,
        reference_mask: Tensor,
        codes: Tensor,
        target_mask: Tensor,
        plate: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The summed heads, see `climb`: colour 3, flow 2, matte 1, shade 1.

        photo [N, 3, 256, 256] and reference_mask [N, 12, 256, 256] are the whole crop's;
        target_mask [N, 12, 160, 160] and plate [N, 3, 160, 160] the mouth window's.
        """
        told = pyramid(*views(torch.cat([target_mask, plate], 1)))
        known = pyramid(*views(cut(torch.cat([reference_mask, photo], 1), MOUTH_WINDOW)))
        levels = [
            partial(level, condition=condition, reference=reference, codes=codes)
            for level, condition, reference in zip(self.levels, told, known, strict=True)
        ]
        return climb(levels, cut(self.constant, MOUTH_WINDOW).expand(len(photo), -1, -1, -1))


def climb(
    levels: Sequence[Callable[[Tensor], tuple[Tensor, Tensor]]], start: Tensor
) -> tuple[Tensor, Tensor]:
    """Through the levels, each of which makes features and heads of the features below; heads are
    summed as StyleGAN2 sums its ToRGB outputs.

    start: the constant in the mouth's window. Returns the sums of the coarse levels' heads there,
    [N, 7, 40, 40], and of all levels' in the lips' window, [N, 7, 96, 112].
    """
    x, wide = levels[0](start)
    for level in levels[1 : len(COARSE)]:
        x, new = level(x)
        wide = _enlarged(wide, 2) + new
    x, near = to_lips(x), to_lips(wide)
    for level in levels[len(COARSE) :]:
        x, new = level(x)
        near = _enlarged(near, 2) + new
    return wide, near


def compose(
    wide: Tensor, near: Tensor, lips_mask: Tensor, lips_plate: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Heads of `climb` -> flow [N, 2, 160, 160] in the mouth's window, matte [N, 1, 96, 112] and
    inside [N, 3, 96, 112] in the lips', whose mask and plate are given."""
    soft = soft_border(near)
    flow = _enlarged(wide[:, _FLOW], 1 << len(FINE))
    flow = flow + around_lips(soft * (near[:, _FLOW] - to_lips(flow)))
    matte = soft * torch.sigmoid(near[:, _MATTE])
    lit = lips_plate * (1.2 * torch.sigmoid(near[:, _SHADE] + 1))
    half = torch.full_like(lit, 0.5)
    inside = torch.lerp(half, lit, _near_mouth(lips_mask)) + 0.5 * torch.tanh(near[:, _COLOUR])
    return flow, matte, inside.clamp(0, 1)


def cut(x: Tensor, window: Window, of: Window = WHOLE) -> Tensor:
    """The window's part of x [N, C, h, w], which covers `of`.

    Raises ValueError unless the window's edges lie between pixels of x.
    """
    step = (of[0].stop - of[0].start) // x.shape[-2]
    inner = within(window, of)
    if any(edge % step for part in inner for edge in (part.start, part.stop)):
        raise ValueError(f"expected window edges on multiples of {step} px, found {window}")
    rows, columns = (slice(part.start // step, part.stop // step) for part in inner)
    return x[..., rows, columns]


def to_lips(x: Tensor) -> Tensor:
    """The lips' part of the mouth window's planes [N, C, h, w]."""
    return cut(x, LIPS_WINDOW, MOUTH_WINDOW)


def around_lips(x: Tensor) -> Tensor:
    """The lips window's planes [N, C, 96, 112] in the mouth's window, with zeros around them."""
    rows, columns = within(LIPS_WINDOW, MOUTH_WINDOW)
    height, width = (part.stop - part.start for part in MOUTH_WINDOW)
    margins = columns.start, width - columns.stop, rows.start, height - rows.stop
    return F.pad(x, margins)


def soft_border(like: Tensor) -> Tensor:
    """1 in the lips' window, softly to 0 at its border: [h, w] of `like` [N, C, h, w]."""
    rows, columns = (
        (torch.arange(1, length + 1, dtype=like.dtype, device=like.device) / _FADE).clamp(max=1)
        for length in like.shape[2:]
    )
    return (rows * rows.flip(0))[:, None] * (columns * columns.flip(0))


def views(x: Tensor) -> tuple[Tensor, Tensor]:
    """The mouth window's planes [N, C, 160, 160] as the finest coarse level sees them, and as the
    finest of all: [N, C, 40, 40] and [N, C, 96, 112]."""
    return F.avg_pool2d(x, 1 << len(FINE)), to_lips(x)


def pyramid(wide: Tensor, near: Tensor) -> list[Tensor]:
    """Both `views` halved, one for each level, the coarsest first."""
    return [*_halved(wide, len(COARSE)), *_halved(near, len(FINE))]


def coarser(planes: Sequence[Tensor]) -> list[Tensor]:
    """Of a `pyramid`, for each level the planes of the level below, where its own window lies."""
    wide, near = planes[: len(COARSE)], planes[len(COARSE) :]
    return [wide[0], *wide[:-1], to_lips(wide[-1]), *near[:-1]]


def _halved(x: Tensor, levels: int) -> list[Tensor]:
    halved = [x]
    for _ in range(levels - 1):
        halved.append(F.avg_pool2d(halved[-1], 2))
    return halved[::-1]


def _enlarged(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def _near_mouth(target_mask: Tensor) -> Tensor:
    """1 in and just around the mouth opening, softly 0 elsewhere: [N, 1, h, w]."""
    mouth = target_mask[:, Region.MOUTH : Region.MOUTH + 1]
    blurred = F.avg_pool2d(mouth, _NEAR_REACH, stride=1, padding=_NEAR_REACH // 2)
    return (_NEAR_GAIN * blurred).clamp(0, 1)
