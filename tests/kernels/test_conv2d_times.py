"""The convolution times factors: fused and plain against float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.conv2d_times import Implementation, conv2d_times

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


def make_case(into: int, out: int, kernel: int, size: tuple[int, int]) -> list[Tensor]:
    draw = torch.Generator().manual_seed(into + kernel)
    x = torch.randn(2, into, *size, generator=draw, dtype=torch.float64)
    weight = torch.randn(out, into, kernel, kernel, generator=draw, dtype=torch.float64)
    factor = torch.randn(2, out, *size, generator=draw, dtype=torch.float64)
    return [x, weight, factor]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("impl", ["auto", "reference"])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 13)])
def test_agrees_with_float64(
    dtype: torch.dtype, impl: Implementation, kernel: int, size: tuple[int, int]
) -> None:
    case = make_case(9, 5, kernel, size)
    expected = F.conv2d(case[0], case[1], padding=kernel // 2) * case[2]
    with torch.inference_mode():
        found = conv2d_times(*(part.to(dtype) for part in case), impl=impl)
    assert found.dtype == dtype
    error = (found.double() - expected).abs().max() / expected.abs().max()
    assert float(error) <= TOLERANCE[dtype]


def test_gradients() -> None:
    case = [part.requires_grad_() for part in make_case(2, 3, 3, (3, 4))]
    assert torch.autograd.gradcheck(conv2d_times, case)


def test_auto_keeps_gradients() -> None:
    case = [part.float().requires_grad_() for part in make_case(2, 3, 3, (3, 4))]
    torch.autograd.backward(conv2d_times(*case).sum())
    assert all(part.grad is not None for part in case)
