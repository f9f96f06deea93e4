"""What the generator is told for a frame: the mask with its jaw and lips where they moved, and the
mouth's plate with its jaw lowered.

    mask  = lay(lips, move(jaw, bare))          lay(r, share, m) = m (1 - share) + share e_r
    plate = over(upper, over(lower(y - drop), cavity))

The shares are those of outlines filled as `realtime.face.coverage` fills them, which the generator
was trained on: vertices on the nearest of 4x4 samples a pixel, even-odd, and their outline drawn as
a line one sample wide, so that shut lips still are a line.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from realtime.mouth_plate import INCISOR_DROP
from realtime.regions import Region

Implementation = Literal["auto", "reference", "triton"]

# Regions of the outlines of `lips`, in the order in which they are laid.
LIPS = (Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH)
OVERSAMPLE = 4
# Vertices go to the nearest sixteenth of a sample before they go to the nearest one.
ROUNDING = 1 / 32
# Half way between two samples a steep line takes the left one, any other the one nearer its left
# end: lines are that much further left, or right.
TIE = 2.0**-11
# OpenCV's blendLinear divides by the sum of the weights and this.
BLEND_EPSILON = 1e-5


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
    dtype: torch.dtype = torch.float32,
    impl: Implementation = "auto",
) -> Tensor:
    """Mask and plate of N faces: [N, 15, h, w] of `dtype`, channels last; no gradients.

    The first twelve are the regions, summing to 1, the others the plate's RGB, 0..1. As
    `RestingMask.moved`, the eyes being drawn already, and `MouthPlate.compose`.

    bare: float [N, 12, h, w], best in channels last: the mask whose lips and mouth are skin.
    jaw_rest: float32 [N, h, w], `coverage` (below) of the jaw's outline at rest; jaw: float32
    [N, V, 2], that outline now; lips: float32 [N, 3, V', 2], outlines of upper lip, lower lip and
    mouth: (x, y) in pixels of the window. upper: uint8 [N, h, w, 4], RGBA. lower: uint8 [N, H, w,
    4], H >= h, its last row on the window's last while the jaw is closed; nothing lies around it.
    cavity: float32 [N, 3], RGB of the dark behind, 0..1. drop: float32 [N], pixels by which the
    jaw has dropped. `auto` is Triton on a GPU and the reference elsewhere.
    """
    parts = (bare, jaw_rest, jaw, lips, upper, lower, cavity, drop)
    if impl == "triton" or (impl == "auto" and bare.is_cuda):
        from kernels import draw_condition_triton

        return draw_condition_triton.draw_condition(*parts, dtype=dtype)
    return _reference(*parts).to(dtype, memory_format=torch.channels_last)


def coverage(outline: Tensor, height: int, width: int) -> Tensor:
    """Share of every pixel that lies inside a closed outline [N, V, 2]: float32 [N, h, w]."""
    y = torch.arange(OVERSAMPLE * height, device=outline.device)[:, None]
    x = torch.arange(OVERSAMPLE * width, device=outline.device)
    ends = torch.floor(OVERSAMPLE * (outline.float() + 0.5) + ROUNDING)[..., None, None]
    (x0, y0), (x1, y1) = ends.unbind(2), ends.roll(-1, 1).unbind(2)
    level = y0 == y1
    slope = torch.where(level, 0, (x1 - x0) / torch.where(level, 1, y1 - y0))
    crossing = x0 + (y - y0) * slope + torch.where(slope.abs() < 1, -TIE, TIE)
    reach = torch.where(level, torch.inf, 0.5 * slope.abs().clamp(min=1))
    left = torch.maximum(crossing - reach, torch.minimum(x0, x1))
    right = torch.minimum(crossing + reach, torch.maximum(x0, x1))
    odd = (((y0 <= y) != (y1 <= y)) & (x < crossing)).sum(1) % 2 > 0
    beside = (torch.minimum(y0, y1) <= y) & (y <= torch.maximum(y0, y1))
    drawn = (beside & (left <= x) & (x <= right)).any(1)
    return F.avg_pool2d((odd | drawn).float(), OVERSAMPLE)


def _reference(
    bare: Tensor,
    jaw_rest: Tensor,
    jaw: Tensor,
    lips: Tensor,
    upper: Tensor,
    lower: Tensor,
    cavity: Tensor,
    drop: Tensor,
) -> Tensor:
    height, width = bare.shape[2:]
    mask = _moved(bare.float(), coverage(jaw, height, width) - jaw_rest)
    for region, outline in zip(LIPS, lips.unbind(1), strict=True):
        mask = _laid(mask, region, coverage(outline, height, width))
    plate = cavity[:, :, None, None]
    for layer in (_lowered(lower, height, INCISOR_DROP * drop), upper):
        *colours, alpha = (layer.float() / 255).unbind(3)
        share = alpha[:, None]
        plate = (share * torch.stack(colours, 1) + (1 - share) * plate) / (1 + BLEND_EPSILON)
    return torch.cat([mask, plate], 1)


def _moved(mask: Tensor, fallen: Tensor) -> Tensor:
    """Skin where the jaw came to be; body where it was."""
    uncovered = (-fallen).clamp(min=0) * mask[:, Region.SKIN]
    mask = mask.clone()
    mask[:, Region.SKIN] -= uncovered
    mask[:, Region.BODY] += uncovered
    return _laid(mask, Region.SKIN, fallen.clamp(min=0))


def _laid(mask: Tensor, region: Region, share: Tensor) -> Tensor:
    mask = mask * (1 - share[:, None])
    mask[:, region] += share
    return mask


def _lowered(picture: Tensor, height: int, by: Tensor) -> Tensor:
    """The lowest rows of [N, H, w, 4], moved down by `by` [N] pixels; zeros from around it."""
    rows = picture.shape[1]
    y = torch.arange(rows - height, rows, device=by.device) - by[:, None]
    first = y.floor()
    lowered = torch.zeros(1, device=by.device)
    for row, share in ((first, first + 1 - y), (first + 1, y - first)):
        known = (row >= 0) & (row < rows)
        index = row.clamp(0, rows - 1).long()[..., None, None].expand(-1, -1, *picture.shape[2:])
        lowered = lowered + (known * share)[..., None, None] * picture.gather(1, index)
    return lowered
