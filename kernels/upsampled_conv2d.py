"""Doubling a picture and the 3x3 convolution after it as one: four ninths of the multiply-adds.

    y = conv(up(x), W)                    up repeats each pixel twice each way

Three neighbouring pixels of up(x) come from two of x, so that two of a kernel's three rows meet
the same pixel and may be summed beforehand, and so may columns: what is left are four kernels of
2x2, one for each parity of row and column. A transposed convolution of stride 2 is those four; its
kernel of 4x4 holds them interleaved.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Implementation = Literal["auto", "reference", "folded"]

# Row k of the 4x4 kernel: which rows of the 3x3 kernel are summed there.
_FOLD = ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0))


def upsampled_conv2d(x: Tensor, weight: Tensor, *, impl: Implementation = "auto") -> Tensor:
    """conv2d(up(x), weight), zero padded to the same size: [N, O, 2 H, 2 W], with gradients.

    x [N, I, H, W]; weight [O, I, 3, 3]. `auto` is `folded`.
    """
    if impl == "reference":
        return F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)
    return convolve_folded(x, folded(weight))


def folded(weight: Tensor) -> Tensor:
    """The kernel [O, I, 3, 3] as that of the transposed convolution: [I, O, 4, 4]."""
    fold = weight.new_tensor(_FOLD)
    return torch.einsum("oiyx,ay,bx->ioab", weight, fold, fold).contiguous()


def convolve_folded(x: Tensor, kernel: Tensor) -> Tensor:
    """`upsampled_conv2d` by a kernel that is folded already."""
    return F.conv_transpose2d(x, kernel, stride=2, padding=1)
