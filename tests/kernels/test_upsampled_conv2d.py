"""The convolution of a doubled picture: folded against the plain two steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kernels.upsampled_conv2d import upsampled_conv2d

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


def make_case(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(size[0])
    x = torch.randn(2, 9, *size, generator=draw, dtype=torch.float64)
    return x, torch.randn(5, 9, 3, 3, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (7, 5), (16, 13)])
def test_folded_is_doubled_and_convolved(dtype: torch.dtype, size: tuple[int, int]) -> None:
    x, weight = make_case(size)
    expected = upsampled_conv2d(x, weight, impl="reference")
    torch.testing.assert_close(upsampled_conv2d(x, weight), expected)
    found = upsampled_conv2d(x.to(dtype), weight.to(dtype))
    assert found.dtype == dtype
    assert found.shape == (2, 5, 2 * size[0], 2 * size[1])
    error = (found.double() - expected).abs().max() / expected.abs().max()
    assert float(error) <= TOLERANCE[dtype]


def test_gradients() -> None:
    case = [part[:2, :2].clone().requires_grad_() for part in make_case((3, 4))]
    assert torch.autograd.gradcheck(upsampled_conv2d, case)
