"""The two pointwise passes that make a plain convolution regional, each one trip through memory.

    style:  s(p) * x(p)                                 before the convolution
    finish: act(d(p) * y(p) + shift(p)) [* s'(p)]       after it, with the next layer's scales

Maps are never stored: s(p) = sum_r m_r(p) s_r is a product of 12 numbers, done on the way.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.2

Implementation = Literal["auto", "reference", "triton"]


def style(x: Tensor, mask: Tensor, scale: Tensor, *, impl: Implementation = "auto") -> Tensor:
    """x times its scales: [N, C, H, W].

    x [N, C, H, W]; mask [N, R, H, W]; scale [N, R, C]; one floating dtype, R at most 16. `auto` is
    Triton on a GPU and the reference elsewhere. No gradients in Triton.
    """
    if _is_triton(impl, x):
        from kernels import regional_passes_triton

        return regional_passes_triton.style(x, mask, scale)
    return x * region_map(mask, scale)


def finish(
    y: Tensor,
    mask: Tensor,
    demodulation: Tensor,
    shift: Tensor,
    next_scale: Tensor | None = None,
    *,
    impl: Implementation = "auto",
) -> Tensor:
    """Demodulates, shifts, activates, and styles for the next layer if told how: [N, C, H, W].

    y [N, C, H, W]; mask [N, R, H, W]; demodulation and next_scale [N, R, C]; shift [1 or N, C, H,
    W]; one floating dtype, R at most 16. `impl` as in `style`.
    """
    if _is_triton(impl, y):
        from kernels import regional_passes_triton

        return regional_passes_triton.finish(y, mask, demodulation, shift, next_scale)
    out = F.leaky_relu(y * region_map(mask, demodulation) + shift, SLOPE)
    return out if next_scale is None else out * region_map(mask, next_scale)


def region_map(mask: Tensor, table: Tensor) -> Tensor:
    """sum_r m_r(p) t_r: mask [N, R, H, W], table [N, R, C] -> [N, C, H, W], channels last.

    One matrix product of pixels by regions and regions by channels. It is cheapest when the mask
    is channels last already.
    """
    batch, regions, height, width = mask.shape
    rows = mask.permute(0, 2, 3, 1).reshape(batch, height * width, regions)
    return (rows @ table).view(batch, height, width, -1).permute(0, 3, 1, 2)


def _is_triton(impl: Implementation, x: Tensor) -> bool:
    return impl == "triton" or (impl == "auto" and x.is_cuda and not x.requires_grad)
