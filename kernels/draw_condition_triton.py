"""`kernels.draw_condition` in Triton: a program draws a block of pixels of one face, from the bare
mask to the plate, and writes it once.

It holds 16 samples a pixel and goes once round each outline; edges that lie wholly above, below or
left of the block change none of its samples and are passed over.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.draw_condition import BLEND_EPSILON, LIPS, OVERSAMPLE, ROUNDING, TIE
from realtime.mouth_plate import INCISOR_DROP
from realtime.regions import REGIONS, Region

_ROWS, _COLUMNS = 4, 16  # pixels of a block


def draw_condition(
    bare: Tensor,
    jaw_rest: Tensor,
    jaw: Tensor,
    lips: Tensor,
    upper: Tensor,
    lower: Tensor,
    cavity: Tensor,
    drop: Tensor,
    *,
    dtype: torch.dtype,
    out: Tensor | None = None,
) -> Tensor:
    """See `kernels.draw_condition`; `out`, channels last, is written whole, and made if it is not
    given."""
    faces, _, height, width = bare.shape
    if out is None:
        size = (faces, REGIONS + 3, height, width)
        out = torch.empty(size, dtype=dtype, device=bare.device, memory_format=torch.channels_last)
    parts = (jaw_rest, jaw, lips, upper, lower, cavity, drop)
    grid = triton.cdiv(width, _COLUMNS), triton.cdiv(height, _ROWS), faces
    _kernel[grid](
        *(bare.contiguous(memory_format=torch.channels_last), *(p.contiguous() for p in parts)),
        *(out, height, width, lower.shape[1]),
        JAW_ENDS=jaw.shape[1],
        LIP_ENDS=lips.shape[2],
        LIPS=len(LIPS),
        FIRST_LIP=int(LIPS[0]),
        SKIN=int(Region.SKIN),
        BODY=int(Region.BODY),
        REGIONS=REGIONS,
        INCISOR_DROP=INCISOR_DROP,
        BLEND_EPSILON=BLEND_EPSILON,
        OVERSAMPLE=OVERSAMPLE,
        ROUNDING=ROUNDING,
        TIE=TIE,
        ROWS=_ROWS,
        COLUMNS=_COLUMNS,
    )
    return out


@triton.jit  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    bare,
    jaw_rest,
    jaw,
    lips,
    upper,
    lower,
    cavity,
    drop,
    out,
    height,
    width,
    lower_height,
    JAW_ENDS: tl.constexpr,  # noqa: N803
    LIP_ENDS: tl.constexpr,  # noqa: N803
    LIPS: tl.constexpr,  # noqa: N803
    FIRST_LIP: tl.constexpr,  # noqa: N803
    SKIN: tl.constexpr,  # noqa: N803
    BODY: tl.constexpr,  # noqa: N803
    REGIONS: tl.constexpr,  # noqa: N803
    INCISOR_DROP: tl.constexpr,  # noqa: N803
    BLEND_EPSILON: tl.constexpr,  # noqa: N803
    OVERSAMPLE: tl.constexpr,  # noqa: N803
    ROUNDING: tl.constexpr,  # noqa: N803
    TIE: tl.constexpr,  # noqa: N803
    ROWS: tl.constexpr,  # noqa: N803
    COLUMNS: tl.constexpr,  # noqa: N803
):
    face = tl.program_id(2).to(tl.int64)
    top = tl.program_id(1) * ROWS
    left = tl.program_id(0) * COLUMNS
    block = tl.arange(0, ROWS * COLUMNS)
    y = top + block // COLUMNS
    x = left + block % COLUMNS
    known = (y < height) & (x < width)
    pixel = face * height * width + y * width + x
    c = tl.arange(0, 16)

    share = _coverage(
        jaw + face * JAW_ENDS * 2, x, y, top, left, JAW_ENDS, OVERSAMPLE, ROUNDING, TIE, ROWS
    )
    fallen = share - tl.load(jaw_rest + pixel, mask=known, other=0)
    mask = tl.load(
        bare + pixel[:, None] * REGIONS + c[None, :],
        mask=known[:, None] & (c < REGIONS)[None, :],
        other=0,
    ).to(tl.float32)
    skin = tl.sum(tl.where((c == SKIN)[None, :], mask, 0.0), axis=1)
    uncovered = tl.maximum(-fallen, 0.0) * skin
    to_body = (c == BODY).to(tl.float32) - (c == SKIN).to(tl.float32)
    mask = mask + uncovered[:, None] * to_body[None, :]
    mask = _laid(mask, c, SKIN, tl.maximum(fallen, 0.0))
    for lip in tl.static_range(LIPS):
        outline = lips + (face * LIPS + lip) * LIP_ENDS * 2
        share = _coverage(outline, x, y, top, left, LIP_ENDS, OVERSAMPLE, ROUNDING, TIE, ROWS)
        mask = _laid(mask, c, FIRST_LIP + lip, share)

    colour = c - REGIONS
    shown = (colour >= 0) & (colour < 3)
    dark = tl.load(cavity + face * 3 + colour, mask=shown, other=0)
    plate = tl.zeros([ROWS * COLUMNS, 16], tl.float32) + dark[None, :]
    source = (y + lower_height - height).to(tl.float32) - INCISOR_DROP * tl.load(drop + face)
    first = tl.floor(source)
    further = source - first
    row = first.to(tl.int32)
    near, near_alpha = _row(lower, face, row, x, lower_height, width, colour, shown, known)
    after, after_alpha = _row(lower, face, row + 1, x, lower_height, width, colour, shown, known)
    colours = near + further[:, None] * (after - near)
    alpha = near_alpha + further * (after_alpha - near_alpha)
    plate = _over(colours, alpha, plate, BLEND_EPSILON)
    colours, alpha = _row(upper, face, y, x, height, width, colour, shown, known)
    plate = _over(colours, alpha, plate, BLEND_EPSILON)

    # Either is zero where the other has its channels.
    tl.store(
        out + pixel[:, None] * (REGIONS + 3) + c[None, :],
        (mask + plate).to(out.dtype.element_ty),
        mask=known[:, None] & (c < REGIONS + 3)[None, :],
    )


@triton.jit  # type: ignore[untyped-decorator]
def _coverage(  # type: ignore[no-untyped-def]
    outline,
    x,
    y,
    top,
    left,
    ENDS: tl.constexpr,  # noqa: N803
    OVERSAMPLE: tl.constexpr,  # noqa: N803
    ROUNDING: tl.constexpr,  # noqa: N803
    TIE: tl.constexpr,  # noqa: N803
    ROWS: tl.constexpr,  # noqa: N803
):
    """Share of pixels (x, y) inside an outline, float32; no y lies above `top` or beyond ROWS from
    it, no x left of `left`."""
    SAMPLES: tl.constexpr = OVERSAMPLE * OVERSAMPLE  # noqa: N806
    sample = tl.arange(0, SAMPLES)
    across = (x[:, None] * OVERSAMPLE + (sample % OVERSAMPLE)[None, :]).to(tl.float32)
    down = (y[:, None] * OVERSAMPLE + (sample // OVERSAMPLE)[None, :]).to(tl.float32)
    first_row = (top * OVERSAMPLE).to(tl.float32)
    last_row = first_row + (ROWS * OVERSAMPLE - 1)
    first_column = (left * OVERSAMPLE).to(tl.float32)
    crossings = tl.zeros_like(across).to(tl.int32)
    drawn = tl.zeros_like(across).to(tl.int32)
    x0 = _nearest(outline + 2 * ENDS - 2, OVERSAMPLE, ROUNDING)
    y0 = _nearest(outline + 2 * ENDS - 1, OVERSAMPLE, ROUNDING)
    for end in range(ENDS):
        x1 = _nearest(outline + 2 * end, OVERSAMPLE, ROUNDING)
        y1 = _nearest(outline + 2 * end + 1, OVERSAMPLE, ROUNDING)
        upper = tl.minimum(y0, y1)
        lower = tl.maximum(y0, y1)
        right = tl.maximum(x0, x1)
        if (upper <= last_row) & (lower >= first_row) & (right >= first_column):
            level = upper == lower
            slope = (x1 - x0) / tl.where(level, 1.0, y1 - y0)
            slope = tl.where(level, 0.0, slope)
            tie = tl.where(tl.abs(slope) < 1.0, -TIE, TIE)
            crossing = x0 + (down - y0) * slope + tie
            crosses = ((y0 <= down) != (y1 <= down)) & (across < crossing)
            crossings += crosses.to(tl.int32)
            # A level edge reaches from end to end.
            reach = tl.where(level, 1e9, 0.5 * tl.maximum(tl.abs(slope), 1.0))
            begins = tl.maximum(crossing - reach, tl.minimum(x0, x1))
            ends = tl.minimum(crossing + reach, right)
            on_line = (upper <= down) & (down <= lower) & (begins <= across) & (across <= ends)
            drawn |= on_line.to(tl.int32)
        x0 = x1
        y0 = y1
    inside = (crossings & 1) | drawn
    return tl.sum(inside, axis=1).to(tl.float32) / SAMPLES


@triton.jit  # type: ignore[untyped-decorator]
def _nearest(place, OVERSAMPLE: tl.constexpr, ROUNDING: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """The sample to which an end of an edge goes."""
    return tl.floor(OVERSAMPLE * (tl.load(place) + 0.5) + ROUNDING)


@triton.jit
def _laid(mask, c, region, share):  # type: ignore[no-untyped-def]
    chosen = (c == region).to(tl.float32)
    return mask * (1 - share)[:, None] + share[:, None] * chosen[None, :]


@triton.jit
def _row(picture, face, y, x, height, width, colour, shown, known):  # type: ignore[no-untyped-def]
    """Colours and alpha, 0..1, of RGBA pixels (x, y); zeros from above and below the picture."""
    known = known & (y >= 0) & (y < height)
    pixel = (face * height + y) * width + x
    colours = tl.load(
        picture + pixel[:, None] * 4 + colour[None, :],
        mask=known[:, None] & shown[None, :],
        other=0,
    )
    alpha = tl.load(picture + pixel * 4 + 3, mask=known, other=0)
    return colours.to(tl.float32) / 255, alpha.to(tl.float32) / 255


@triton.jit  # type: ignore[untyped-decorator]
def _over(colours, alpha, plate, EPSILON: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    mixed = alpha[:, None] * colours + (1 - alpha)[:, None] * plate
    return mixed / (1 + EPSILON)
