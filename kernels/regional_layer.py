"""A whole layer of a regional StyleGAN in one pass: for many known avatars at once, on a GPU.

    y    = act(d * conv(x, W) + told + shift)      x is styled already; conv may double the picture
    sums = head(y) + up(below)                     StyleGAN2's sum of heads, at the second layer
    out  = s' * y                                  styled for the next layer

`told`, d and s' are tables over the condition, as in `kernels.regional_conv2d`: whatever stands
around the convolution is done while its sums are still in registers, and what a layer reads and
writes is one picture each. One launch a layer is what counts where a face is alone; the trips
through memory are what counts where there are hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.regional_passes import SLOPE, region_map
from kernels.upsampled_conv2d import folded

# Rows of the folded 4x4 kernel that meet the rows of x, upper first, at even and at odd rows.
_PARITIES = ((3, 1), (2, 0))

Implementation = Literal["auto", "reference", "triton"]


@dataclass(frozen=True)
class Tables:
    """What a condition of C channels says of each feature; float32.

    demodulation [N, C, O]; told [C, O], the same for all, or None; next_scale [N, C, O], or None
    where nothing follows.
    """

    demodulation: Tensor
    told: Tensor | None = None
    next_scale: Tensor | None = None


@dataclass(frozen=True)
class Heads:
    """weight float32 [O, K] and bias float32 [K]; K at most 16."""

    weight: Tensor
    bias: Tensor


def regional_layer(
    x: Tensor,
    weight: Tensor,
    condition: Tensor,
    tables: Tables,
    shift: Tensor,
    heads: Heads | None = None,
    below: Tensor | None = None,
    *,
    impl: Implementation = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Features [N, O, H, W] and, if there are heads, their sums float32 [N, K, H, W].

    x [N, I, h, w], styled; weight as `packed` makes it, H = h or, for a doubling one, 2 h;
    condition float32 [N, C, H, W], C at most 16; shift [1 or N, O, H, W]; below float32
    [N, K, H / 2, W / 2], the sums of the levels before, or None. x, weight and shift share a dtype,
    all pictures are channels last (x and below may be cut out of larger ones). `auto` is Triton on
    a GPU. No gradients.
    """
    if impl == "triton" or (impl == "auto" and x.is_cuda):
        from kernels import regional_layer_triton

        return regional_layer_triton.regional_layer(
            x, weight, condition, tables, shift, heads, below
        )
    return _reference(x, weight, condition, tables, shift, heads, below)


def packed(weight: Tensor, *, doubling: bool) -> Tensor:
    """A kernel [O, I, 3, 3] with channels out innermost: [1, 1, 3, 3, I, O], or, for the layer
    that doubles its picture, a 2x2 kernel for each parity of row and column: [2, 2, 2, 2, I, O]."""
    if not doubling:
        return weight.permute(2, 3, 1, 0)[None, None].contiguous()
    meets = torch.tensor(_PARITIES, device=weight.device)
    return folded(weight)[:, :, meets][..., meets].permute(2, 4, 3, 5, 0, 1).contiguous()


def _reference(
    x: Tensor,
    weight: Tensor,
    condition: Tensor,
    tables: Tables,
    shift: Tensor,
    heads: Heads | None,
    below: Tensor | None,
) -> tuple[Tensor, Tensor | None]:
    y = _convolve(x, weight).to(condition.dtype) * region_map(condition, tables.demodulation)
    if tables.told is not None:
        y = y + region_map(condition, tables.told)
    y = F.leaky_relu(y + shift, SLOPE)
    sums = None
    if heads is not None:
        sums = torch.einsum("nohw,ok->nkhw", y, heads.weight) + heads.bias[:, None, None]
        if below is not None:
            sums = sums + F.interpolate(below, scale_factor=2.0, mode="bilinear")
    if tables.next_scale is not None:
        y = y * region_map(condition, tables.next_scale)
    return y.to(x.dtype), sums


def _convolve(x: Tensor, weight: Tensor) -> Tensor:
    """3x3 and zero padded; or of a doubled x, as its four 2x2 kernels."""
    rows, columns, tall, wide, into, out = weight.shape
    kernel = weight.permute(0, 1, 5, 4, 2, 3).reshape(-1, into, tall, wide)
    y = F.conv2d(x, kernel, padding=1)
    if rows == 1:
        return y
    height, width = x.shape[2:]
    parts = [
        y[:, (2 * p + q) * out :][:, :out, p : p + height, q : q + width]
        for p in range(rows)
        for q in range(columns)
    ]
    return F.pixel_shuffle(torch.stack(parts, 2).flatten(1, 2), 2)
