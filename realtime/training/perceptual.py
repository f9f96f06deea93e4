"""Perceptual distance: pictures compared by what a network sees in them, as in LPIPS.

The networks are MobileNetV2 (Sandler et al. 2018) with ImageNet weights, and VGG with Zhang's, each
for those who have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILE = Path("weights", "perceptual", "mobilenet_v2-b0353104.pth")

# MobileNetV2 up to a 16th of the resolution: per group of blocks expansion, channels, number of
# blocks, stride. Features are taken behind each group.
_GROUPS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2))
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def perceptual_distance(made: Sequence[Tensor], true: Sequence[Tensor]) -> Tensor:
    """Mean over levels of the squared distance of features [N, C, h, w], each of unit length.

    Zhang et al. 2018 (LPIPS), without the learned weights.
    """
    apart = [
        (F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean()
        for a, b in zip(made, true, strict=True)
    ]
    return torch.stack(apart).mean()


def lpips(vgg: nn.Module, made: Tensor, true: Tensor) -> Tensor:
    """LPIPS itself (Zhang et al. 2018) of RGB [N, 3, H, W], 0..255: [N].

    vgg: StyleGAN2-ADA's TorchScript file, whose features carry the learned weights.
    """
    seen, asked = (vgg(each, resize_images=False, return_lpips=True) for each in (made, true))
    apart: Tensor = (seen - asked).square().sum(1)
    return apart


class MobileNetFeatures(nn.Module):
    """The first blocks of MobileNetV2, named as torchvision names them."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_STD)[:, None, None], persistent=False)
        blocks: list[nn.Module] = [_convolution(3, 32, 3, 2)]
        self.taps = []
        width = 32
        for expansion, channels, count, stride in _GROUPS:
            for number in range(count):
                blocks.append(_Block(width, channels, expansion, stride if number == 0 else 1))
                width = channels
            self.taps.append(len(blocks) - 1)
        self.features = nn.Sequential(*blocks)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """RGB [N, 3, h, w], 0..1 -> features at a half, a quarter, an eighth and a 16th."""
        x = (picture - self.mean) / self.std
        seen = []
        for number, block in enumerate(self.features):
            x = block(x)
            if number in self.taps:
                seen.append(x)
        return seen


def load_features(path: Path) -> MobileNetFeatures:
    """The network with torchvision's weights; raises FileNotFoundError without the file."""
    network = MobileNetFeatures()
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return network.eval().requires_grad_(False)


class _Block(nn.Module):
    """Inverted residual: expansion, depthwise convolution, projection."""

    def __init__(self, into: int, out: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = into * expansion
        expand = [_convolution(into, wide, 1, 1)] if expansion > 1 else []
        depthwise = _convolution(wide, wide, 3, stride, groups=wide)
        project = nn.Conv2d(wide, out, 1, bias=False)
        self.conv = nn.Sequential(*expand, depthwise, project, nn.BatchNorm2d(out))
        self._adds = stride == 1 and into == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self._adds else y


def _convolution(into: int, out: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU6())
