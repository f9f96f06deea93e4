"""The style encoder: one code for every region of a photograph."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.regions import REGIONS

CODE = 64

_CHANNELS = (16, 32, 64, 96)
_PYRAMID = 48
# A region of fewer canonical pixels than this says nothing about its style.
_LEAST_AREA = 24.0


class StyleEncoder(nn.Module):
    """Feature pyramid (FPN, arXiv 1612.03144), pooled by region, then one small MLP a region.

    A region that the photograph does not show, like teeth behind closed lips, gets a learned
    prior code.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3 + REGIONS, *_CHANNELS)
        self.down = nn.ModuleList(
            nn.Conv2d(into, out, 3, stride=2, padding=1) for into, out in itertools.pairwise(widths)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(width, _PYRAMID, 1) for width in _CHANNELS[1:])
        pooled = 3 * _PYRAMID + 3
        self.hidden = nn.Parameter(torch.randn(REGIONS, pooled, CODE) * pooled**-0.5)
        self.output = nn.Parameter(torch.randn(REGIONS, CODE, CODE) * CODE**-0.5)
        self.prior = nn.Parameter(torch.zeros(REGIONS, CODE))

    def forward(self, photo: Tensor, mask: Tensor) -> Tensor:
        """Photograph [N, 3, 256, 256], RGB 0..1, and its mask [N, 12, 256, 256] -> [N, 12, 64]."""
        scales = [photo, *self._pyramid(photo, mask)]
        pooled = torch.cat([_pool(scale, mask) for scale in scales], 2)
        hidden = F.leaky_relu(torch.einsum("nri,rio->nro", pooled, self.hidden), 0.2)
        codes = torch.einsum("nri,rio->nro", hidden, self.output)
        shown = (mask.sum((2, 3)) >= _LEAST_AREA)[..., None]
        return torch.where(shown, codes, self.prior)

    def _pyramid(self, photo: Tensor, mask: Tensor) -> list[Tensor]:
        """Features at 64, 32 and 16 pixels, each [N, 48, ., .], coarse ones added to fine ones."""
        x = torch.cat([photo - 0.5, mask], 1)
        features = []
        for convolution in self.down:
            x = F.leaky_relu(convolution(x), 0.2)
            features.append(x)
        levels = [lateral(x) for lateral, x in zip(self.lateral, features[1:], strict=True)]
        for fine in (1, 0):
            coarse = F.interpolate(levels[fine + 1], scale_factor=2.0)
            levels[fine] = levels[fine] + coarse
        return levels


def _pool(features: Tensor, mask: Tensor) -> Tensor:
    """Mean of the features [N, C, h, w] over every region of the mask: [N, 12, C]."""
    small = F.avg_pool2d(mask, mask.shape[3] // features.shape[3])
    total = torch.einsum("nchw,nrhw->nrc", features, small)
    return total / (small.sum((2, 3))[..., None] + 1e-6)
