"""`kernels.regional_layer` in Triton: an implicit matrix product, its ends fused.

A program makes all channels of a block of pixels of one picture, so that a head can be summed over
them. Of a doubling layer, a program's pixels share a parity and so a 2x2 kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.regional_layer import Heads, Tables
from kernels.regional_passes import SLOPE

_CONDITION, _HEADS = 16, 16  # what fits; a tensor core's product wants sixteen each way
_FEWEST, _FEW = 2048, 1 << 14  # pixels of all programs


@dataclass(frozen=True)
class Launch:
    """How a layer is cut: pixels of a program, channels in of a turn of its loop, warps of a
    program, turns whose loads are under way at once."""

    pixels: int
    inputs: int
    warps: int = 4
    stages: int = 3


def regional_layer(
    x: Tensor,
    weight: Tensor,
    condition: Tensor,
    tables: Tables,
    shift: Tensor,
    heads: Heads | None,
    below: Tensor | None,
    *,
    launch: Launch | None = None,
) -> tuple[Tensor, Tensor | None]:
    """See `kernels.regional_layer.regional_layer`; `launch` is chosen by size."""
    batch, into, height, width = x.shape
    parities, taps, out = weight.shape[0] ** 2, weight.shape[2], weight.shape[5]
    step = weight.shape[0]
    size = batch, out, step * height, step * width
    features = _empty(size, x)
    kinds = 0 if heads is None else heads.weight.shape[1]
    sums = None if heads is None else _empty((batch, kinds, *size[2:]), condition)
    if launch is None:
        launch = _launch(batch * height * width * parities, into)
    _check_layout(x, condition, shift, below)
    # Unused pointers must be pointers all the same.
    told, following = tables.told, tables.next_scale
    head = tables.demodulation if heads is None else heads.weight
    bias = tables.demodulation if heads is None else heads.bias
    lower = condition if below is None else below
    _layer_kernel[(triton.cdiv(height * width, launch.pixels), parities, batch)](
        *(x, weight, condition, tables.demodulation),
        tables.demodulation if told is None else told,
        tables.demodulation if following is None else following,
        *(shift, features, head, bias, lower, features if sums is None else sums),
        *(height, width, x.stride(0), x.stride(2), x.stride(3)),
        *(lower.stride(0), lower.stride(2), lower.stride(3)),
        0 if shift.shape[0] == 1 else shift.stride(0),
        INTO=into,
        OUT=out,
        CHANNELS=max(16, triton.next_power_of_2(out)),
        INPUTS=launch.inputs,
        INPUT_BLOCKS=triton.cdiv(into, launch.inputs),
        TAPS=taps,
        STEP=step,
        SHARES=condition.shape[1],
        CONDITION=_CONDITION,
        KINDS=kinds,
        HEADS=_HEADS,
        TOLD=told is not None,
        STYLED=following is not None,
        BELOW=below is not None,
        SLOPE=SLOPE,
        PIXELS=launch.pixels,
        # The interpreter multiplies the bits of bfloat16 as integers, so it is given numbers.
        HALF=x.dtype == torch.bfloat16 and x.is_cuda,
        EXACT=x.dtype == torch.float32,
        num_warps=launch.warps,
        num_stages=launch.stages,
    )
    return features, sums


def _launch(pixels: int, into: int) -> Launch:
    """What was fastest on an H200: small programs where there are few pixels, so that more of the
    GPU takes part."""
    inputs = 32 if into % 32 == 0 else 16
    if pixels < _FEWEST:
        return Launch(16, inputs, stages=4)
    if pixels < _FEW:
        return Launch(32, inputs, stages=4)
    return Launch(64, 64 if into % 64 == 0 else 32 if into < 32 else inputs)


@triton.jit  # type: ignore[untyped-decorator]
def _layer_kernel(  # type: ignore[no-untyped-def]
    x,
    weight,
    condition,
    demodulation,
    told,
    next_scale,
    shift,
    features,
    head_weight,
    head_bias,
    below,
    sums,
    height,
    width,
    x_picture,
    x_row,
    x_column,
    below_picture,
    below_row,
    below_column,
    shift_picture,
    INTO: tl.constexpr,  # noqa: N803
    OUT: tl.constexpr,  # noqa: N803
    CHANNELS: tl.constexpr,  # noqa: N803
    INPUTS: tl.constexpr,  # noqa: N803
    INPUT_BLOCKS: tl.constexpr,  # noqa: N803
    TAPS: tl.constexpr,  # noqa: N803
    STEP: tl.constexpr,  # noqa: N803
    SHARES: tl.constexpr,  # noqa: N803
    CONDITION: tl.constexpr,  # noqa: N803
    KINDS: tl.constexpr,  # noqa: N803
    HEADS: tl.constexpr,  # noqa: N803
    TOLD: tl.constexpr,  # noqa: N803
    STYLED: tl.constexpr,  # noqa: N803
    BELOW: tl.constexpr,  # noqa: N803
    SLOPE: tl.constexpr,  # noqa: N803
    PIXELS: tl.constexpr,  # noqa: N803
    HALF: tl.constexpr,  # noqa: N803
    EXACT: tl.constexpr,  # noqa: N803
):
    precision: tl.constexpr = "ieee" if EXACT else "tf32"
    parity = tl.program_id(1)
    picture = tl.program_id(2).to(tl.int64)
    x += picture * x_picture
    p = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    inside = p < height * width
    row, column = p // width, p % width
    down, right = parity // STEP, parity % STEP
    o = tl.arange(0, CHANNELS)
    known = o < OUT
    total = tl.zeros([PIXELS, CHANNELS], tl.float32)
    for k in range(TAPS * TAPS * INPUT_BLOCKS):
        tap = k // INPUT_BLOCKS
        i = (k % INPUT_BLOCKS) * INPUTS + tl.arange(0, INPUTS)
        y = row + tap // TAPS - 1 + down
        z = column + tap % TAPS - 1 + right
        seen = inside & (y >= 0) & (y < height) & (z >= 0) & (z < width)
        place = y * x_row + z * x_column
        seen_features = tl.load(
            x + place[:, None] + i[None, :], mask=seen[:, None] & (i < INTO)[None, :], other=0
        )
        taps = ((parity * TAPS * TAPS + tap) * INTO + i)[:, None] * OUT + o[None, :]
        kernel = tl.load(weight + taps, mask=(i < INTO)[:, None] & known[None, :], other=0)
        if HALF:
            total = tl.dot(seen_features, kernel, total)
        else:
            total = tl.dot(
                seen_features.to(tl.float32),
                kernel.to(tl.float32),
                total,
                input_precision=precision,
            )

    tall, wide = STEP * height, STEP * width
    y, z = STEP * row + down, STEP * column + right
    place = (picture * tall + y) * wide + z
    r = tl.arange(0, CONDITION)
    share = tl.load(
        condition + place[:, None] * SHARES + r[None, :],
        mask=inside[:, None] & (r < SHARES)[None, :],
        other=0,
    )
    # The tables' rows [CONDITION, CHANNELS]; those of a picture begin at `of`.
    rows = r[:, None] * OUT + o[None, :]
    listed = (r < SHARES)[:, None] & known[None, :]
    of = picture * SHARES * OUT
    table = tl.load(demodulation + of + rows, mask=listed, other=0)
    total *= tl.dot(share, table, input_precision=precision)
    if TOLD:
        table = tl.load(told + rows, mask=listed, other=0)
        total += tl.dot(share, table, input_precision=precision)
    out_place = place[:, None] * OUT + o[None, :]
    written = inside[:, None] & known[None, :]
    shift_place = picture * shift_picture + (y * wide + z)[:, None] * OUT + o[None, :]
    total += tl.load(shift + shift_place, mask=written, other=0).to(tl.float32)
    total = tl.where(total > 0, total, SLOPE * total)

    if KINDS > 0:
        h = tl.arange(0, HEADS)
        head = tl.load(
            head_weight + o[:, None] * KINDS + h[None, :],
            mask=known[:, None] & (h < KINDS)[None, :],
            other=0,
        )
        made = tl.dot(total, head, input_precision=precision)
        made += tl.load(head_bias + h, mask=h < KINDS, other=0)[None, :]
        asked = inside[:, None] & (h < KINDS)[None, :]
        if BELOW:
            made += _doubled(
                below + picture * below_picture + h[None, :],
                *(y, z, tall // 2, wide // 2, below_row, below_column, asked),
            )
        tl.store(sums + place[:, None] * KINDS + h[None, :], made, mask=asked)

    if STYLED:
        table = tl.load(next_scale + of + rows, mask=listed, other=0)
        total *= tl.dot(share, table, input_precision=precision)
    tl.store(features + out_place, total, mask=written)


@triton.jit
def _doubled(below, y, z, height, width, down, across, asked):  # type: ignore[no-untyped-def]
    """A picture twice as large, bilinear, at rows y and columns z: a quarter of the pixel further
    away, three of the nearer one. (Rows and columns end at the border.)"""
    near_row, near_column = y // 2, z // 2
    far_row = near_row - 1 + 2 * (y % 2)
    far_column = near_column - 1 + 2 * (z % 2)
    far_row = tl.minimum(tl.maximum(far_row, 0), height - 1)
    far_column = tl.minimum(tl.maximum(far_column, 0), width - 1)
    near_row, far_row = near_row * down, far_row * down
    near_column, far_column = near_column * across, far_column * across
    nearest = tl.load(below + (near_row + near_column)[:, None], mask=asked, other=0)
    beside = tl.load(below + (near_row + far_column)[:, None], mask=asked, other=0)
    above = tl.load(below + (far_row + near_column)[:, None], mask=asked, other=0)
    opposite = tl.load(below + (far_row + far_column)[:, None], mask=asked, other=0)
    return 0.5625 * nearest + 0.1875 * (beside + above) + 0.0625 * opposite


def _check_layout(x: Tensor, condition: Tensor, shift: Tensor, below: Tensor | None) -> None:
    for name, part in (("condition", condition), ("shift", shift)):
        if not part.is_contiguous(memory_format=torch.channels_last):
            raise ValueError(f"expected a {name} that is channels last, found {part.stride()}")
    for name, part in (("x", x), ("below", x if below is None else below)):
        if part.stride(1) != 1:
            raise ValueError(f"expected {name} to be channels last, found {part.stride()}")


def _empty(size: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.empty(
        size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )
