"""A convolution and the product of its outcome with a picture of factors, in one pass on CPU.

    y = conv(x, W) * f

With W of 1x1 and x a soft mask this styles features (f) by the region they lie in; with W of 3x3
it convolves and demodulates. oneDNN multiplies while the sums are still in registers.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Implementation = Literal["auto", "reference", "onednn"]


def conv2d_times(
    x: Tensor, weight: Tensor, factor: Tensor, *, impl: Implementation = "auto"
) -> Tensor:
    """conv2d(x, weight) * factor, zero padded to the same size: [N, O, H, W].

    x [N, I, H, W]; weight [O, I, k, k], k odd; factor [N, O, H, W]; one floating dtype.
    `auto` is oneDNN where it can, without gradients; RuntimeError from `onednn` where it cannot.
    """
    if impl == "onednn" or (impl == "auto" and _can_fuse(x, weight, factor)):
        return _onednn(x, weight, factor)
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2) * factor


def _can_fuse(x: Tensor, weight: Tensor, factor: Tensor) -> bool:
    if torch.compiler.is_exporting() or x.device.type != "cpu":
        return False
    if torch.is_grad_enabled() and any(part.requires_grad for part in (x, weight, factor)):
        return False
    return onednn_computes(x.dtype)


def onednn_computes(dtype: torch.dtype) -> bool:
    """Whether this build and this processor have fast convolutions in `dtype`."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    bfloat16 = torch.ops.mkldnn._is_mkldnn_bf16_supported
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(bfloat16()))


def _onednn(x: Tensor, weight: Tensor, factor: Tensor) -> Tensor:
    # The operator torch.compile lowers to on CPU; its signature is the same in torch 2.0 to 2.13.
    padding = weight.shape[-1] // 2
    out: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
        *(x, factor, weight, None, [padding] * 2, [1, 1], [1, 1], 1),
        *("mul", None, None, [], None),
    )
    return out
