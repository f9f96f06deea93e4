"""`kernels.composite` in Triton: a program composes a piece of a frame's row, from its places on
the photograph to its bytes, and nothing in between is stored.

A piece that no canonical window touches passes over what lies in it.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from kernels.composite import Placement
from realtime.face import EYE_WINDOWS, FADE, FADE_BELOW, LIPS_WINDOW, MOUTH_WINDOW, Window
from realtime.head_warp import STEP

_PIXELS = 128  # of a piece


def composite(
    placement: Placement,
    warp: Tensor,
    flow: Tensor,
    paint: Tensor,
    blink: Tensor,
    behind: Tensor | None,
    out: Tensor | None = None,
) -> Tensor:
    """See `kernels.composite`."""
    frames = len(warp)
    width, height = placement.size
    if out is None:
        out = torch.empty(frames, height, width, 3, dtype=torch.uint8, device=warp.device)
    own = (placement.picture, placement.extent, placement.placing, placement.to_crop)
    parts = (*own, placement.from_crop, placement.lids, warp, flow, paint, blink)
    _kernel[triton.cdiv(width, _PIXELS), height, frames](
        *(part.contiguous() for part in parts),
        *(out if behind is None else behind.contiguous(), out),
        *(width, height, *placement.picture.shape[1:3], *warp.shape[1:3], placement.lids.shape[1]),
        BEHIND=behind is not None,
        PIXELS=_PIXELS,
    )
    return out


def _constants(window: Window) -> tuple[tl.constexpr, tl.constexpr, tl.constexpr, tl.constexpr]:
    """A window's first row and column, its height and width."""
    rows, columns = window
    size = rows.stop - rows.start, columns.stop - columns.start
    return tuple(tl.constexpr(each) for each in (rows.start, columns.start, *size))


_MOUTH_TOP, _MOUTH_LEFT, _MOUTH_HEIGHT, _MOUTH_WIDTH = _constants(MOUTH_WINDOW)
_LIPS_TOP, _LIPS_LEFT, _LIPS_HEIGHT, _LIPS_WIDTH = _constants(LIPS_WINDOW)
# The second eye's window goes on where the first one's ends.
_EYE_TOP, _EYE_LEFT, _EYE_HEIGHT, _EYE_WIDTH = _constants(EYE_WINDOWS[0])
_FADE, _FADE_BELOW, _STEP = tl.constexpr(FADE), tl.constexpr(FADE_BELOW), tl.constexpr(STEP)


@triton.jit  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    picture,
    extent,
    placing,
    to_crop,
    from_crop,
    lids,
    warp,
    flow,
    paint,
    blink,
    behind,
    out,
    width,
    height,
    picture_height,
    picture_width,
    warp_rows,
    warp_columns,
    blinks,
    BEHIND: tl.constexpr,  # noqa: N803
    PIXELS: tl.constexpr,  # noqa: N803
):
    frame = tl.program_id(2).to(tl.int64)
    row = tl.program_id(1)
    column = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    known = column < width
    c = tl.arange(0, 4)

    x = column.to(tl.float32)
    y = tl.zeros([PIXELS], tl.float32) + row.to(tl.float32)
    turned = warp + frame * warp_rows * warp_columns * 2
    x, y = _warped(x, y, turned, warp_rows, warp_columns, known)
    scale = tl.load(placing + frame * 3 + 2)
    x = tl.load(placing + frame * 3) + scale * x
    y = tl.load(placing + frame * 3 + 1) + scale * y
    there = to_crop + frame * 6
    crop_x = tl.load(there) * x + tl.load(there + 1) * y + tl.load(there + 2)
    crop_y = tl.load(there + 3) * x + tl.load(there + 4) * y + tl.load(there + 5)
    moved_x, moved_y = _flow(crop_x, crop_y, flow + frame * 2 * _MOUTH_HEIGHT * _MOUTH_WIDTH, known)
    back = from_crop + frame * 4
    x += tl.load(back) * moved_x + tl.load(back + 1) * moved_y
    y += tl.load(back + 2) * moved_x + tl.load(back + 3) * moved_y

    right = tl.load(extent + frame * 2) - 1
    bottom = tl.load(extent + frame * 2 + 1) - 1
    x = tl.minimum(tl.maximum(x, 0.0), right.to(tl.float32))
    y = tl.minimum(tl.maximum(y, 0.0), bottom.to(tl.float32))
    own = picture + frame * picture_height * picture_width * 4
    colours = tl.zeros([PIXELS, 4], tl.float32)
    for corner in tl.static_range(4):
        i, j, share = _corner(x, y, corner)
        at = tl.minimum(i, bottom) * picture_width + tl.minimum(j, right)
        value = tl.load(own + at[:, None] * 4 + c[None, :], mask=known[:, None], other=0)
        colours += share[:, None] * value.to(tl.float32)
    colours = tl.floor(colours + 0.5)
    place = ((frame * height + row) * width + column)[:, None] * 3 + c[None, :]
    stored = known[:, None] & (c < 3)[None, :]
    if BEHIND:
        room = 255 - _last(colours, c)
        seen = tl.load(behind + place, mask=stored, other=0).to(tl.float32)
        seen = tl.floor(seen * room[:, None] / 255 + 0.5)
        colours = tl.minimum(colours + seen, 255.0)

    own = paint + frame * 4 * _LIPS_HEIGHT * _LIPS_WIDTH
    colours = _mouth(colours, crop_x - _LIPS_LEFT, crop_y - _LIPS_TOP, own, c, known)
    own = lids + (frame * blinks + tl.load(blink + frame)) * 2 * _EYE_HEIGHT * _EYE_WIDTH * 4
    for eye in tl.static_range(2):
        colours = _lid(
            *(colours, crop_x - (_EYE_LEFT + eye * _EYE_WIDTH), crop_y - _EYE_TOP),
            *(own + eye * _EYE_HEIGHT * _EYE_WIDTH * 4, c, known),
        )
    tl.store(out + place, colours.to(tl.int32).to(tl.uint8), mask=stored)


@triton.jit
def _warped(x, y, warp, rows, columns, known):  # type: ignore[no-untyped-def]
    """Frame places moved by the coarse grid, which is smooth between its points."""
    across = tl.minimum(
        tl.maximum((x + 0.5) * (1 / _STEP) - 0.5, 0.0), (columns - 1).to(tl.float32)
    )
    down = tl.minimum(tl.maximum((y + 0.5) * (1 / _STEP) - 0.5, 0.0), (rows - 1).to(tl.float32))
    for corner in tl.static_range(4):
        i, j, share = _corner(across, down, corner)
        at = (tl.minimum(i, rows - 1) * columns + tl.minimum(j, columns - 1)) * 2
        x += share * tl.load(warp + at, mask=known, other=0).to(tl.float32)
        y += share * tl.load(warp + at + 1, mask=known, other=0).to(tl.float32)
    return x, y


@triton.jit
def _flow(crop_x, crop_y, flow, known):  # type: ignore[no-untyped-def]
    """The mouth's flow at canonical places: (x, y) in canonical pixels."""
    HEIGHT: tl.constexpr = _MOUTH_HEIGHT + _FADE + _FADE_BELOW  # noqa: N806
    WIDTH: tl.constexpr = _MOUTH_WIDTH + 2 * _FADE  # noqa: N806
    x = crop_x - (_MOUTH_LEFT - _FADE)
    y = crop_y - (_MOUTH_TOP - _FADE)
    moved_x = tl.zeros_like(x)
    moved_y = tl.zeros_like(y)
    if _any(x, y, HEIGHT, WIDTH, known):
        for corner in tl.static_range(4):
            i, j, share = _corner(x, y, corner)
            inside = known & (i >= 0) & (i < HEIGHT) & (j >= 0) & (j < WIDTH)
            share *= _fading(i, HEIGHT, _FADE_BELOW) * _fading(j, WIDTH, _FADE)
            i = tl.minimum(tl.maximum(i - _FADE, 0), _MOUTH_HEIGHT - 1)
            j = tl.minimum(tl.maximum(j - _FADE, 0), _MOUTH_WIDTH - 1)
            at = flow + i * _MOUTH_WIDTH + j
            moved_x += share * tl.load(at, mask=inside, other=0).to(tl.float32)
            at += _MOUTH_HEIGHT * _MOUTH_WIDTH
            moved_y += share * tl.load(at, mask=inside, other=0).to(tl.float32)
    return moved_x, moved_y


@triton.jit  # type: ignore[untyped-decorator]
def _fading(index, LENGTH: tl.constexpr, AFTER: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """1, but smoothly from nearly 0 in the first pixels and back to it in the last."""
    rise = (index + 1).to(tl.float32) * (1 / (_FADE + 1))
    fall = (index - LENGTH).to(tl.float32) * (-1 / (AFTER + 1))
    share = tl.minimum(tl.minimum(rise, fall), 1.0)
    return share * share * (3 - 2 * share)


@triton.jit
def _mouth(colours, x, y, paint, c, known):  # type: ignore[no-untyped-def]
    """The mouth's inside over the colours, by its matte; both are planes, the matte's first."""
    PLANE: tl.constexpr = _LIPS_HEIGHT * _LIPS_WIDTH  # noqa: N806
    painted = tl.zeros_like(colours)
    matte = tl.zeros_like(x)
    if _any(x, y, _LIPS_HEIGHT, _LIPS_WIDTH, known):
        for corner in tl.static_range(4):
            i, j, share = _corner(x, y, corner)
            inside = known & (i >= 0) & (i < _LIPS_HEIGHT) & (j >= 0) & (j < _LIPS_WIDTH)
            at = i * _LIPS_WIDTH + j
            share *= tl.load(paint + at, mask=inside, other=0).to(tl.float32)
            value = tl.load(
                paint + at[:, None] + (c + 1)[None, :] * PLANE,
                mask=inside[:, None] & (c < 3)[None, :],
                other=0,
            )
            painted += share[:, None] * value.to(tl.float32)
            matte += share
        colours = _over(255 * painted, matte, colours)
    return colours


@triton.jit
def _lid(colours, x, y, lid, c, known):  # type: ignore[no-untyped-def]
    """A lid, premultiplied RGBA, over the colours."""
    painted = tl.zeros_like(colours)
    if _any(x, y, _EYE_HEIGHT, _EYE_WIDTH, known):
        for corner in tl.static_range(4):
            i, j, share = _corner(x, y, corner)
            inside = known & (i >= 0) & (i < _EYE_HEIGHT) & (j >= 0) & (j < _EYE_WIDTH)
            at = (i * _EYE_WIDTH + j)[:, None] * 4 + c[None, :]
            value = tl.load(lid + at, mask=inside[:, None], other=0)
            painted += share[:, None] * value.to(tl.float32)
        colours = _over(painted, _last(painted, c) / 255, colours)
    return colours


@triton.jit
def _any(x, y, height, width, known):  # type: ignore[no-untyped-def]
    """Whether any place is touched by a canvas, which is nothing a pixel beyond its border."""
    touched = known & (x > -1) & (x < width) & (y > -1) & (y < height)
    return tl.max(touched.to(tl.int32), axis=0) > 0


@triton.jit
def _over(paint, matte, colours):  # type: ignore[no-untyped-def]
    mixed = colours * (1 - matte)[:, None] + paint
    return tl.minimum(tl.maximum(tl.floor(mixed + 0.5), 0.0), 255.0)


@triton.jit
def _last(values, c):  # type: ignore[no-untyped-def]
    """The fourth channel of values [pixels, 4]."""
    return tl.sum(tl.where((c == 3)[None, :], values, 0.0), axis=1)


@triton.jit  # type: ignore[untyped-decorator]
def _corner(x, y, CORNER: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    """One of the four pixels around a place: row, column, share."""
    left, top = tl.floor(x), tl.floor(y)
    share_x, share_y = x - left, y - top
    if CORNER % 2 == 0:
        share_x = 1 - share_x
    if CORNER < 2:
        share_y = 1 - share_y
    return top.to(tl.int32) + CORNER // 2, left.to(tl.int32) + CORNER % 2, share_x * share_y
