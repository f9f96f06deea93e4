"""Frames of many portraits at once, each a single sampling of its photograph.

    place  = origin + scale (p + warp(p))                 of frame pixel p, on the photograph
    place += from_crop flow(to_crop place)
    frame  = lids over mouth over (photograph(place) before the backdrop)

As `realtime.compositor.Compositor`, whose frames these are within about a level.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from realtime.face import EYE_WINDOWS, FADE, FADE_BELOW, LIPS_WINDOW, MOUTH_WINDOW, Window
from realtime.head_warp import STEP

Implementation = Literal["auto", "reference", "triton"]


@dataclass(frozen=True, eq=False)
class Placement:
    """N photographs as they stand in frames of one size (width, height): what no frame changes.

    picture: uint8 [N, h, w, 4], the finer picture, padded to a common size anyhow. Before a
    backdrop RGB times matte, and matte; else RGB and 255. extent: int32 [N, 2], true width and
    height; beyond them its rim goes on. placing: float32 [N, 3], picture place (x, y) of the
    frame's first pixel, and picture pixels a frame pixel. to_crop: float32 [N, 2, 3], from picture
    pixels to the canonical crop; from_crop: float32 [N, 2, 2], its inverse's linear part. lids:
    uint8 [N, K, 2, 64, 96, 4], colours times matte, and matte, of the two eye windows for K
    amounts of a blink; where the eyes are open, zeros.
    """

    size: tuple[int, int]
    picture: Tensor
    extent: Tensor
    placing: Tensor
    to_crop: Tensor
    from_crop: Tensor
    lids: Tensor


def composite(
    placement: Placement,
    warp: Tensor,
    flow: Tensor,
    paint: Tensor,
    blink: Tensor,
    behind: Tensor | None = None,
    *,
    impl: Implementation = "auto",
    out: Tensor | None = None,
) -> Tensor:
    """RGB uint8 [N, H, W, 3], written into `out` if it is given.

    warp: float [N, rows, columns, 2], where a pixel is fetched relative to where it is shown, in
    frame pixels (x, y), as `HeadWarp.grid` but for the whole frame: a value for every 8x8 pixels,
    ceil(H / 8) rows; zeros where nothing moves. flow: float [N, 2, 160, 160], the mouth window's,
    in canonical pixels. paint: float [N, 4, 96, 112], matte and inside in the lips' window. blink:
    int32 [N], which of the K pictures of the lids is shown. behind: uint8 [N, H, W, 3], what is
    shown behind the person; None where nobody has anything.
    `auto` is Triton on a GPU and the reference elsewhere.
    """
    parts = (placement, warp, flow, paint, blink, behind)
    if impl == "triton" or (impl == "auto" and warp.is_cuda):
        from kernels import composite_triton

        return composite_triton.composite(*parts, out)
    frames = _reference(*parts).to(torch.uint8)
    return frames if out is None else out.copy_(frames)


def _reference(
    placement: Placement,
    warp: Tensor,
    flow: Tensor,
    paint: Tensor,
    blink: Tensor,
    behind: Tensor | None,
) -> Tensor:
    places = _places(placement, warp.float())
    crop = _transformed(placement.to_crop, places)
    (top, left), faded = _corner(MOUTH_WINDOW), _faded(flow.float()).permute(0, 2, 3, 1)
    moved = _look_up(faded, crop, left - FADE, top - FADE)
    moved = torch.einsum("nij,nhwj->nhwi", placement.from_crop, moved)
    rim = placement.extent[:, None, None] - 1
    places = (places + moved).clamp(min=0).minimum(rim)
    frames = _rounded(_look_up(placement.picture, places))
    frames, matte = frames[..., :3], frames[..., 3:]
    if behind is not None:
        frames = (frames + _rounded(behind * (255 - matte) / 255)).clamp(max=255)
    paint = paint.float().permute(0, 2, 3, 1)
    matte, inside = paint[..., :1], paint[..., 1:]
    top, left = _corner(LIPS_WINDOW)
    mouth = torch.cat([inside * matte, matte], 3)
    frames = _over(255 * _look_up(mouth, crop, left, top), frames)
    lids = placement.lids[torch.arange(len(blink), device=blink.device), blink.long()]
    for lid, window in zip(lids.unbind(1), EYE_WINDOWS, strict=True):
        top, left = _corner(window)
        frames = _over(_look_up(lid, crop, left, top), frames)
    return frames


def _places(placement: Placement, warp: Tensor) -> Tensor:
    """Where on its photograph every frame pixel is fetched: [N, H, W, 2]."""
    width, height = placement.size
    grid = warp.permute(0, 3, 1, 2)
    smooth = F.interpolate(grid, scale_factor=float(STEP), mode="bilinear", align_corners=False)
    x = torch.arange(width, device=warp.device).expand(height, width)
    y = torch.arange(height, device=warp.device)[:, None].expand(height, width)
    seen = torch.stack([x, y], 2) + smooth[..., :height, :width].permute(0, 2, 3, 1)
    placing = placement.placing[:, None, None]
    return placing[..., :2] + placing[..., 2:] * seen


def _transformed(matrix: Tensor, places: Tensor) -> Tensor:
    """Places [N, H, W, 2] through affine matrices [N, 2, 3]."""
    linear, shift = matrix[..., :2], matrix[:, None, None, :, 2]
    return torch.einsum("nij,nhwj->nhwi", linear, places) + shift


def _faded(flow: Tensor) -> Tensor:
    """The flow of the mouth's window and around it, dying away: [N, 2, 160 + 72, 160 + 48]."""
    wider = F.pad(flow, (FADE, FADE, FADE, FADE_BELOW), mode="replicate")
    rows = _fading(wider.shape[2], FADE, FADE_BELOW, flow.device)
    columns = _fading(wider.shape[3], FADE, FADE, flow.device)
    return wider * (rows[:, None] * columns)


def _fading(length: int, before: int, after: int, device: torch.device) -> Tensor:
    """1, but smoothly from nearly 0 in the first pixels and back to it in the last."""
    index = torch.arange(length, device=device)
    share = torch.minimum((index + 1) / (before + 1), (length - index) / (after + 1)).clamp(max=1)
    return share * share * (3 - 2 * share)


def _look_up(canvas: Tensor, places: Tensor, left: int = 0, top: int = 0) -> Tensor:
    """A canvas [N, h, w, C], whose first pixel lies at (left, top), at places [N, H, W, 2],
    linearly between its pixels: float32 [N, H, W, C], zeros outside it."""
    height, width = canvas.shape[1:3]
    x, y = places[..., 0] - left, places[..., 1] - top
    picture = torch.arange(len(canvas), device=canvas.device)[:, None, None]
    found = torch.zeros((), device=canvas.device)
    for row, column in itertools.product((y.floor(), y.floor() + 1), (x.floor(), x.floor() + 1)):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        share = inside * (1 - (x - column).abs()) * (1 - (y - row).abs())
        at = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
        found = found + share[..., None] * canvas[(picture, *at)]
    return found


def _over(paint: Tensor, frames: Tensor) -> Tensor:
    """Paint [N, H, W, 4], RGB times matte and matte, 0..255, on whole colours [N, H, W, 3]."""
    mixed = frames * (1 - paint[..., 3:] / 255) + paint[..., :3]
    return _rounded(mixed).clamp(0, 255)


def _rounded(values: Tensor) -> Tensor:
    return torch.floor(values + 0.5)


def _corner(window: Window) -> tuple[int, int]:
    """A window's first row and column."""
    rows, columns = window
    return rows.start, columns.start
