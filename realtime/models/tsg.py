"""The mask of a frame: the resting mask redrawn where landmarks moved, then refined by a U-Net."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.face import OVAL, Points, Window, coverage, eye_polygons, lip_polygons, overlay
from realtime.regions import REGIONS, Region

Mask = NDArray[np.float32]

_WIDTHS = (24, 48, 64)
# A region that the first mask rules out keeps this share, so that the network can bring it back.
_DOUBT = 1e-4
# The pose source hides the lower half of the face: all below the middle between nose and lip.
_HIDDEN_BELOW = 148
# From one side of the oval, at the eyes' height, round the chin to the other.
_JAW = OVAL[7:30]


def first_mask(rest_mask: Mask, rest: Points, moved: Points, window: Window) -> Mask:
    """The mask after the landmarks moved: float32 [12, h, w], summing to 1 over the regions.

    rest_mask float32 [12, 256, 256] belongs to the canonical points `rest`. The jaw's outline,
    lips, mouth and eyes are drawn anew from `moved`, with sub-pixel edges; all else stays.
    """
    mask = rest_mask[(slice(None), *window)].copy()
    for region in (Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH, Region.EYES):
        mask[Region.SKIN] += mask[region]
        mask[region] = 0
    _move_jaw(mask, rest, moved, window)
    for polygon in eye_polygons(moved):
        _lay(mask, Region.EYES, polygon, window)
    for region, polygon in lip_polygons(moved).items():
        _lay(mask, region, polygon, window)
    return mask


def _move_jaw(mask: Mask, rest: Points, moved: Points, window: Window) -> None:
    """Skin where the chin came to be; neck, or what else lies below, where it was."""
    before, after = (coverage(points[list(_JAW), :2], window) for points in (rest, moved))
    uncovered = np.maximum(before - after, 0) * mask[Region.SKIN]
    mask[Region.SKIN] -= uncovered
    mask[Region.BODY] += uncovered
    overlay(mask, Region.SKIN, np.maximum(after - before, 0))


def _lay(mask: Mask, region: Region, polygon: Points, window: Window) -> None:
    """Lays a polygon over the mask in place, touching only the pixels it can cover."""
    low = np.floor(polygon.min(0)).astype(int)
    high = np.ceil(polygon.max(0)).astype(int) + 1
    inner = []
    for part, start, stop in zip(window, low[::-1], high[::-1], strict=True):
        start, stop = max(int(start), part.start), min(int(stop), part.stop)
        if start >= stop:
            return
        inner.append(slice(start, stop))
    rows, columns = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(inner, window, strict=True)
    )
    overlay(mask[:, rows, columns], region, coverage(polygon, (inner[0], inner[1])))


class MaskNet(nn.Module):
    """A U-Net at half the resolution that adds what polygons do not know to the first mask.

    It sees the first mask beside the identity reference (the resting mask) and the pose source
    (that mask, its lower half hidden), and hands out what to add to the first mask's logarithm;
    so the polygons' sub-pixel edges stay. Untrained it adds nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = _WIDTHS
        self.avatar = nn.Conv2d(2 * REGIONS, fine, 3, padding=1)
        self.drawn = nn.Conv2d(REGIONS, fine, 3, padding=1, bias=False)
        self.down = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.deep = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.bottom = nn.Conv2d(coarse, middle, 3, padding=1)
        self.rise = nn.Conv2d(middle, fine, 3, padding=1)
        self.top = nn.Conv2d(fine, fine, 3, padding=1)
        self.head = nn.Conv2d(fine, REGIONS, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(torch.as_tensor(self.head.bias))

    def know(self, rest_mask: Tensor, window: Window) -> Tensor:
        """Features of the avatar alone: mask [N, 12, 256, 256] -> [N, 24, h/2, w/2]."""
        pose = rest_mask.clone()
        pose[:, :, _HIDDEN_BELOW:] = 0
        both = torch.cat([rest_mask, pose], 1)[(..., *window)]
        return torch.as_tensor(self.avatar(F.avg_pool2d(both, 2)))

    def forward(self, known: Tensor, first: Tensor) -> Tensor:
        """Logits [N, 12, h, w] from `know`'s features and first masks [N, 12, h, w].

        Their softmax is the mask.
        """
        fine = _bent(known + self.drawn(F.avg_pool2d(first, 2)))
        middle = _bent(self.down(fine))
        x = _bent(self.bottom(_bent(self.deep(middle))))
        x = _bent(self.rise(F.interpolate(x, scale_factor=2.0) + middle))
        x = _bent(self.top(F.interpolate(x, scale_factor=2.0) + fine))
        more = F.interpolate(self.head(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        return (first + _DOUBT).log() + more

    @torch.inference_mode()
    def refine(self, known: Tensor, first: Mask) -> Mask:
        """One frame: features [1, 24, h/2, w/2], first mask -> mask, both float32 [12, h, w]."""
        logits = self(known, torch.from_numpy(first)[None])
        return np.asarray(logits.softmax(1)[0].numpy(), np.float32)


def _bent(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)
