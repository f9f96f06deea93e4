"""Regional convolution: every feature is styled by the face region it lies in.

    y = act(d * conv(s * x, W) + shift)
    s(p) = sum_r m_r(p) s_r                 d(p) = sum_r m_r(p) d_r
    d_r[o] = 1 / sqrt(sum_{i,k} (W[o,i,k] s_r[i])^2 + EPSILON)

x is styled by the region where it lies and the sum is demodulated by the region where it is
written: one plain 3x3 convolution between two pointwise passes, for any number of regions and for
soft masks. `shift` is noise plus bias plus whatever else is added before the activation.

The x2 layer styles x on its own grid, by the mean mask of the four pixels that each of its pixels
becomes, and upsamples what it styled: y = act(d * conv(up(s * x), W) + shift). Styled after the
upsampling it would need all of the larger convolution (see `kernels.upsampled_conv2d`).

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
from kernels.upsampled_conv2d import convolve_folded, folded, upsampled_conv2d

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

    x [N, I, H, W], or half as high and wide: then it is upsampled. weight [O, I, 3, 3]; mask
    [N, R, H, W], soft, summing to 1 over R; scale [N, R, I]; shift broadcasts to [N, O, H, W]. One
    floating dtype for all.
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
    x: Tensor,
    weight: Tensor,
    masks: tuple[Tensor, Tensor],
    scale: Tensor,
    demodulation: Tensor,
    shift: Tensor,
) -> Tensor:
    """The fast form on tables that are ready; no gradients.

    masks: where x lies, and where the outcome lies; if the second is twice as large, the weight is
    a `folded` one. Tables are 1x1 convolutions of the mask: scale [I, R, 1, 1], demodulation
    [O, R, 1, 1]. shift is as large as the outcome [N, O, H, W] or broadcasts to it. Fastest when
    all is channels last. Beside the convolution it costs four passes: two 1x1 convolutions,
    addition, activation.
    """
    before, after = masks
    styled, factor = conv2d_times(before, scale, x), F.conv2d(after, demodulation)
    if before.shape == after.shape:
        y = conv2d_times(styled, weight, factor)
    else:
        y = convolve_folded(styled, weight) * factor
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
    sizes = [(batch, regions, factor * height, factor * width) for factor in (1, 2)]
    if mask.shape not in sizes:
        raise ValueError(
            f"expected a mask as large as {list(x.shape)}, or twice, found {list(mask.shape)}"
        )
    if scale.shape != (batch, regions, channels):
        raise ValueError(f"expected scales {[batch, regions, channels]}, found {list(scale.shape)}")


def _mask_of(x: Tensor, mask: Tensor) -> Tensor:
    """The mask where x lies: what a pixel that is upsampled becomes, on average."""
    return mask if x.shape[2:] == mask.shape[2:] else F.avg_pool2d(mask, 2)


def _convolve(x: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
    """3x3, zero padded, to the size of the mask."""
    if x.shape[2:] == mask.shape[2:]:
        return F.conv2d(x, weight, padding=1)
    return upsampled_conv2d(x, weight)


def _reference(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    energy = torch.einsum("oiyx,nri->nroiyx", weight, scale).square().sum((3, 4, 5))
    scale_map = torch.einsum("nrhw,nri->nihw", _mask_of(x, mask), scale)
    demodulation_map = torch.einsum("nrhw,nro->nohw", mask, (energy + EPSILON).rsqrt())
    styled = F.interpolate(scale_map * x, mask.shape[2:])
    y = demodulation_map * F.conv2d(styled, weight, padding=1) + shift
    return torch.where(y > 0, y, SLOPE * y)


def _rfold(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    styled = torch.einsum("oiyx,nri->nroiyx", weight, scale)
    styled = styled * torch.rsqrt(styled.square().sum((3, 4, 5), keepdim=True) + EPSILON)
    blended = [
        torch.einsum("rohw,rhw->ohw", _every_region(features, kernels, shares), shares)
        for features, kernels, shares in zip(x, styled, mask, strict=True)
    ]
    return F.leaky_relu(torch.stack(blended) + shift, SLOPE)


def _every_region(features: Tensor, kernels: Tensor, shares: Tensor) -> Tensor:
    """One picture [I, h, w] through the kernels of all regions [R, O, I, 3, 3]: [R, O, H, W]."""
    out = _convolve(features[None], kernels.flatten(0, 1), shares[None])
    return out.view(*kernels.shape[:2], *shares.shape[1:])


def _train(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    y = _convolve(x * region_map(_mask_of(x, mask), scale), weight, mask)
    y = torch.addcmul(shift, y, region_map(mask, demodulation(weight, scale)))
    return F.leaky_relu(y, SLOPE)


def _fast(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    with torch.inference_mode():
        demodulations = demodulation(weight.float(), scale.float()).to(x.dtype)
        before = _mask_of(x, mask)
        kernel = weight if before is mask else folded(weight)
        shifts = shift.expand(len(x), -1, -1, -1)
        every = zip(x, before, mask, scale, demodulations, shifts, strict=True)
        return torch.cat(
            [
                convolve_prepared(
                    *(features[None], kernel, (share[None], larger[None])),
                    *(as_kernel(s), as_kernel(d), more[None]),
                )
                for features, share, larger, s, d, more in every
            ]
        )


def _triton(x: Tensor, weight: Tensor, mask: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    demodulations = demodulation(weight.float(), scale.float()).to(x.dtype)
    y = _convolve(style(x, _mask_of(x, mask), scale, impl="triton"), weight, mask)
    return finish(y, mask, demodulations, shift, impl="triton")
