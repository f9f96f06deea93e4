"""The pointwise passes: the reference, and Triton in its interpreter, against float64."""

from __future__ import annotations

import math
import os
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from kernels.regional_passes import Implementation, finish, style

# Read when a kernel is defined, which is when `impl="triton"` is first asked for.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

NEEDS_TRITON = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is absent")
TRITON = pytest.param("triton", marks=NEEDS_TRITON)

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
DTYPES = [torch.float32, torch.bfloat16]
SHAPES = [(1, 1, 1, 1), (2, 5, 7, 3), (1, 33, 9, 11), (1, 64, 4, 6)]


def draw(*size: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(size))
    return torch.randn(*size, generator=generator, dtype=torch.float64)


def shares(batch: int, regions: int, height: int, width: int, hard: bool) -> Tensor:
    logits = draw(batch, regions, height, width)
    if not hard:
        return logits.softmax(1)
    return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)


def lookup(mask: Tensor, table: Tensor) -> Tensor:
    return torch.einsum("nrhw,nrc->nchw", mask, table)


def rounded(case: list[Tensor], dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor]]:
    """The case in `dtype`, and the same numbers in float64."""
    parts = [part.to(DEVICE, dtype) for part in case]
    return parts, [part.cpu().double() for part in parts]


def assert_close(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    assert found.dtype == dtype
    assert found.shape == expected.shape
    error = (found.cpu().double() - expected).abs().max() / expected.abs().max()
    assert float(error) <= TOLERANCE[dtype]


@pytest.mark.parametrize("impl", ["auto", "reference", TRITON])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("regions", "hard"), [(1, False), (12, False), (12, True)])
@pytest.mark.parametrize("shape", SHAPES)
def test_style(
    shape: tuple[int, int, int, int],
    regions: int,
    hard: bool,
    dtype: torch.dtype,
    impl: Implementation,
) -> None:
    batch, channels, height, width = shape
    mask = shares(batch, regions, height, width, hard)
    case = [draw(*shape), mask, 1 + 0.3 * draw(batch, regions, channels)]
    (x, mask, scale), exact = rounded(case, dtype)
    expected = exact[0] * lookup(exact[1], exact[2])
    assert_close(style(x, mask, scale, impl=impl), expected, dtype)


@pytest.mark.parametrize("impl", ["auto", "reference", TRITON])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("styled", [False, True])
@pytest.mark.parametrize("shifts", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_finish(
    shape: tuple[int, int, int, int],
    shifts: int,
    styled: bool,
    dtype: torch.dtype,
    impl: Implementation,
) -> None:
    batch, channels, height, width = shape
    mask = shares(batch, 12, height, width, hard=False)
    shift = draw(min(shifts, batch), channels, height, width)
    tables = [1 + 0.3 * draw(batch, 12, channels), 1 + 0.3 * draw(batch, 12, channels).flip(1)]
    case = [draw(*shape), mask, tables[0], shift, tables[1]]
    (y, mask, demodulation, shift, next_scale), exact = rounded(case, dtype)
    expected = exact[0] * lookup(exact[1], exact[2]) + exact[3]
    expected = torch.where(expected > 0, expected, 0.2 * expected)
    if styled:
        expected = expected * lookup(exact[1], exact[4])
    found = finish(y, mask, demodulation, shift, next_scale if styled else None, impl=impl)
    assert_close(found, expected, dtype)


@NEEDS_TRITON
def test_every_output_is_written() -> None:
    from kernels import regional_passes_triton

    mask = shares(1, 3, 9, 7, hard=True).float().to(DEVICE)
    x, table = draw(1, 5, 9, 7).float().to(DEVICE), draw(1, 3, 5).float().to(DEVICE)
    outs = [torch.full_like(x, math.nan, memory_format=torch.channels_last) for _ in range(2)]
    regional_passes_triton.style(x, mask, table, outs[0])
    regional_passes_triton.finish(x, mask, table, x, table, outs[1])
    assert all(bool(out.isfinite().all()) for out in outs)


@NEEDS_TRITON
def test_more_regions_than_a_block_are_refused() -> None:
    x, mask, table = torch.ones(1, 1, 2, 2), torch.ones(1, 17, 2, 2) / 17, torch.ones(1, 17, 1)
    with pytest.raises(ValueError, match="at most 16 regions, found 17"):
        style(x.to(DEVICE), mask.to(DEVICE), table.to(DEVICE), impl="triton")
