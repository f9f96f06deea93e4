"""Regional convolution: every feature is styled by the face region it lies in.

    y = act(d * conv(s * x, W) + shift)
    s(p) = sum_r m_r(p) s_r                 d(p) = sum_r m_r(p) d_r
    d_r[o] = 1 / sqrt(sum_{i,k} (W[o,i,k] s_r[i])^2 + EPSILON)

x is styled by the region where it lies and the sum is demodulated by the region where it is
written: one plain 3x3 convolution between two pointwise passes, for any number of regions and for
soft masks. `shift` is noise plus bias plus whatever else is added before the activation.

The form that mask-guided StyleGANs publish (SEAN, arXiv 1911.12861; StyleGAN2's modulated
convolution, arXiv 1912.04958, once a region) costs R convolutions and is kept as the baseline
`rfold`; the two are equal wherever a 3x3 neighbourhood lies in one region.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.conv2d_times import conv2d_times
from kernels.regional_passes import SLOPE, finish, region_map, style

EPSILON = 1e-8

Implementation = Literal["auto", "reference", "rfold", "train", "fast", "triton"]


def regional_conv2d(
    x: Tensor,
    weight: Tensor,
    mask: Tensor,
    scale: Tensor,
    shift: Tensor,
    *,
    impl: Implementation = "auto",
) -> Tensor:
    """Styled 3x3 convolution with zero padding and leaky ReLU: [N, O, H, W].

    x [N, I, H, W]; weight [O, I, 3, 3]; mask [N, R, H, W], soft, summing to 1 over R;
    scale [N, R, I]; shift broadcasts to [N, O, H, W]. One floating dtype for all.
    `reference` is the formula, in any precision; `train` is it with gradients and fewer passes;
    `fast` (CPU) and `triton` (GPU) are for inference; `rfold` is the published form, not equal at
    region borders. `auto` picks among the three in the middle by device and need of gradients.
    Raises ValueError where the shapes disagree.
    """
    _check(x, weight, mask, scale)
    parts = (x, weight, mask, scale, shift)
    if impl == "auto":
        impl = "train" if _needs_gradients(*parts) else "triton" if x.is_cuda else "fast"
    forms = {
        "reference": _reference,
        "rfold": _rfold,
        "train": _train,
        "fast": _fast,
        "triton": _triton,
    }
    return forms[impl](*parts)


def demodulation(weight: Tensor, scale: Tensor) -> Tensor:
    """d_r for scales [..., R, I] and weight [O, I, 3, 3]: [..., R, O]."""
    energy = weight.square().sum((2, 3))
    return torch.rsqrt(scale.square() @ energy.T + EPSILON)


def convolve_prepared(
    x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, demodulation: Tensor, shift: Tensor
) -> Tensor:
    """The fast form on tables that are ready; no gradients.

    Tables are 1x1 convolutions of the mask: scale [I, R, 1, 1], demodulation [O, R, 1, 1]. shift
    is as large as the outcome [N, O, H, W] or broadcasts to it. Fastest when all is channels last.
    Beside the convolution it costs four passes: two 1x1 convolutions, addition, activation.
    """
    styled = conv2d_times(mask, scale, x)
    y = conv2d_times(styled, weight, F.conv2d(mask, demodulation))
    return F.leaky_relu_(y.add_(shift), SLOPE)


def as_kernel(table: Tensor) -> Tensor:
    """A table of regions [R, C] as the 1x1 convolution [C, R, 1, 1] that looks it up."""
    return table.T[:, :, None, None].contiguous()


def _needs_gradients(*parts: Tensor) -> bool:
    return torch.is_grad_enabled() and any(part.requires_grad for part in parts)


def _check(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor) -> None:
    batch, channels, height, width = x.shape
    regions = mask.shape[1]
    if weight.shape[1:] != (channels, 3, 3):
        raise ValueError(f"expected a weight [O, {channels}, 3, 3], found {list(weight.shape)}")
    if mask.shape != (batch, regions, height, width):
        raise ValueError(f"expected a mask as large as {list(x.shape)}, found {list(mask.shape)}")
    if scale.shape != (batch, regions, channels):
        expected = [batch, regions, channels]
        raise ValueError(f"expected scales {expected}, found {list(scale.shape)}")


def _reference(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    energy = torch.einsum("oiyx,nri->nroiyx", weight, scale).square().sum((3, 4, 5))
    scale_map = torch.einsum("nrhw,nri->nihw", mask, scale)
    demodulation_map = torch.einsum("nrhw,nro->nohw", mask, (energy + EPSILON).rsqrt())
    y = demodulation_map * F.conv2d(scale_map * x, weight, padding=1) + shift
    return torch.where(y > 0, y, SLOPE * y)


def _rfold(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    styled = torch.einsum("oiyx,nri->nroiyx", weight, scale)
    styled = styled * torch.rsqrt(styled.square().sum((3, 4, 5), keepdim=True) + EPSILON)
    blended = [
        torch.einsum("rohw,rhw->ohw", _every_region(features, kernels), shares)
        for features, kernels, shares in zip(x, styled, mask, strict=True)
    ]
    return F.leaky_relu(torch.stack(blended) + shift, SLOPE)


def _every_region(features: Tensor, kernels: Tensor) -> Tensor:
    """One picture [I, H, W] through the kernels of all regions [R, O, I, 3, 3]: [R, O, H, W]."""
    out = F.conv2d(features[None], kernels.flatten(0, 1), padding=1)
    return out.view(*kernels.shape[:2], *features.shape[1:])


def _train(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    y = F.conv2d(x * region_map(mask, scale), weight, padding=1)
    y = torch.addcmul(shift, y, region_map(mask, demodulation(weight, scale)))
    return F.leaky_relu(y, SLOPE)


def _fast(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    with torch.inference_mode():
        demodulations = demodulation(weight.float(), scale.float()).to(x.dtype)
        every = zip(x, mask, scale, demodulations, shift.expand(len(x), -1, -1, -1), strict=True)
        return torch.cat(
            [
                convolve_prepared(
                    features[None], weight, share[None], as_kernel(s), as_kernel(d), more[None]
                )
                for features, share, s, d, more in every
            ]
        )


def _triton(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    demodulations = demodulation(weight.float(), scale.float()).to(x.dtype)
    y = F.conv2d(style(x, mask, scale, impl="triton"), weight, padding=1)
    return finish(y, mask, demodulations, shift, impl="triton")
