"""The passes of `kernels.regional_passes` in Triton, for tensors in channels last.

A program takes a block of pixels by a block of channels of one picture: it multiplies the pixels'
shares of the regions by the tables' rows (one small tensor-core product, sums in float32), and
reads and writes every feature once.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.regional_passes import SLOPE

# A tensor-core product wants sixteen in each direction. Block sizes are a first guess: no GPU was
# at hand to measure them.
_REGIONS, _PIXELS, _CHANNELS = 16, 64, 32


def style(x: Tensor, mask: Tensor, scale: Tensor, out: Tensor | None = None) -> Tensor:
    """See `kernels.regional_passes.style`; `out` is written whole, and made if it is not given."""
    _, channels, height, width = x.shape
    out = _like(x) if out is None else out
    x, mask, scale = _rows(x), _rows(mask), scale.contiguous()
    _style_kernel[_grid(x.shape)](
        *(x, mask, scale, out, height * width, channels, scale.shape[1]), **_blocks(scale)
    )
    return out


def finish(
    y: Tensor,
    mask: Tensor,
    demodulation: Tensor,
    shift: Tensor,
    next_scale: Tensor | None,
    out: Tensor | None = None,
) -> Tensor:
    """See `kernels.regional_passes.finish`; `out` is written whole, and made if it is not given."""
    _, channels, height, width = y.shape
    out = _like(y) if out is None else out
    y, mask, demodulation = _rows(y), _rows(mask), demodulation.contiguous()
    shift = _rows(shift.expand(-1, channels, height, width))
    following = demodulation if next_scale is None else next_scale.contiguous()
    _finish_kernel[_grid(y.shape)](
        *(y, mask, demodulation, shift, following, out),
        *(height * width, channels, demodulation.shape[1], len(shift) > 1),
        STYLED=next_scale is not None,
        SLOPE=SLOPE,
        **_blocks(demodulation),
    )
    return out


@triton.jit  # type: ignore[untyped-decorator]
def _style_kernel(  # type: ignore[no-untyped-def]
    x,
    mask,
    scale,
    out,
    pixels,
    channels,
    regions,
    REGIONS: tl.constexpr,  # noqa: N803
    PIXELS: tl.constexpr,  # noqa: N803
    CHANNELS: tl.constexpr,  # noqa: N803
):
    picture = tl.program_id(2)
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    inside = (p < pixels)[:, None] & (c < channels)[None, :]
    place = (picture * pixels + p)[:, None] * channels + c[None, :]
    value = tl.load(x + place, mask=inside, other=0).to(tl.float32)
    value *= _region_map(mask, scale, picture, p, c, pixels, channels, regions, REGIONS)
    tl.store(out + place, value, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _finish_kernel(  # type: ignore[no-untyped-def]
    y,
    mask,
    demodulation,
    shift,
    next_scale,
    out,
    pixels,
    channels,
    regions,
    shifts_differ,
    STYLED: tl.constexpr,  # noqa: N803
    SLOPE: tl.constexpr,  # noqa: N803
    REGIONS: tl.constexpr,  # noqa: N803
    PIXELS: tl.constexpr,  # noqa: N803
    CHANNELS: tl.constexpr,  # noqa: N803
):
    picture = tl.program_id(2)
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    inside = (p < pixels)[:, None] & (c < channels)[None, :]
    place = (picture * pixels + p)[:, None] * channels + c[None, :]
    value = tl.load(y + place, mask=inside, other=0).to(tl.float32)
    value *= _region_map(mask, demodulation, picture, p, c, pixels, channels, regions, REGIONS)
    shift_place = (shifts_differ * picture * pixels + p)[:, None] * channels + c[None, :]
    value += tl.load(shift + shift_place, mask=inside, other=0).to(tl.float32)
    value = tl.where(value > 0, value, SLOPE * value)
    if STYLED:
        value *= _region_map(mask, next_scale, picture, p, c, pixels, channels, regions, REGIONS)
    tl.store(out + place, value, mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _region_map(  # type: ignore[no-untyped-def]
    mask,
    table,
    picture,
    p,
    c,
    pixels,
    channels,
    regions,
    REGIONS: tl.constexpr,  # noqa: N803
):
    """sum_r m_r(p) t_r for pixels p and channels c of one picture, float32 [len(p), len(c)]."""
    r = tl.arange(0, REGIONS)
    known = r < regions
    share = tl.load(
        mask + (picture * pixels + p)[:, None] * regions + r[None, :],
        mask=(p < pixels)[:, None] & known[None, :],
        other=0,
    )
    row = tl.load(
        table + (picture * regions + r)[:, None] * channels + c[None, :],
        mask=known[:, None] & (c < channels)[None, :],
        other=0,
    )
    # bfloat16 fits into TF32 without loss, and so keeps its tensor cores; float32 does not. (The
    # interpreter of Triton 3.9 multiplies the bits of bfloat16 as integers.)
    precision: tl.constexpr = "ieee" if row.dtype == tl.float32 else "tf32"
    return tl.dot(share.to(tl.float32), row.to(tl.float32), input_precision=precision)


def _grid(size: tuple[int, ...]) -> tuple[int, int, int]:
    batch, channels, height, width = size
    return triton.cdiv(height * width, _PIXELS), triton.cdiv(channels, _CHANNELS), batch


def _blocks(table: Tensor) -> dict[str, Any]:
    if table.shape[1] > _REGIONS:
        raise ValueError(f"expected at most {_REGIONS} regions, found {table.shape[1]}")
    return {"REGIONS": _REGIONS, "PIXELS": _PIXELS, "CHANNELS": _CHANNELS}


def _rows(x: Tensor) -> Tensor:
    """The same tensor laid out as rows of channels, one a pixel."""
    return x.contiguous(memory_format=torch.channels_last)


def _like(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.channels_last)
