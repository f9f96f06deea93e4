"""The regional convolution: every form against the formula in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kernels.regional_conv2d import demodulation, regional_conv2d
from kernels.regional_passes import region_map
from tests.kernels.interpreter import TRITON

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}

Case = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def make_case(
    batch: int,
    into: int,
    out: int,
    size: tuple[int, int],
    regions: int,
    *,
    soft: bool = True,
    factor: int = 1,
) -> Case:
    """x is of `size`; the mask, and what comes out, `factor` times as large."""
    draw = torch.Generator().manual_seed(batch * 7 + into + size[0])
    x = torch.randn(batch, into, *size, generator=draw, dtype=torch.float64)
    weight = torch.randn(out, into, 3, 3, generator=draw, dtype=torch.float64)
    larger = factor * size[0], factor * size[1]
    logits = torch.randn(batch, regions, *larger, generator=draw, dtype=torch.float64)
    mask = logits.softmax(1)
    if not soft:
        mask = torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
    scale = 1 + 0.3 * torch.randn(batch, regions, into, generator=draw, dtype=torch.float64)
    shift = torch.randn(batch, out, *larger, generator=draw, dtype=torch.float64)
    return x, weight, mask, scale, shift


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("impl", ["auto", "train", "fast", TRITON])
@pytest.mark.parametrize("regions", [1, 12])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 13)])
def test_agrees_with_the_formula(
    dtype: torch.dtype, impl: str, regions: int, soft: bool, factor: int, size: tuple[int, int]
) -> None:
    """Hard masks of random pixels are regions of one pixel; odd sizes, and one region of twelve
    or of one, included."""
    case = make_case(2, 9, 5, size, regions, soft=soft, factor=factor)
    rounded = [part.to(dtype) for part in case]
    expected = regional_conv2d(*(part.double() for part in rounded), impl="reference")
    found = regional_conv2d(*rounded, impl=impl)  # type: ignore[arg-type]
    assert found.dtype == dtype
    assert relative_error(found, expected) <= TOLERANCE[dtype]


@pytest.mark.parametrize("impl", ["fast", TRITON])
@pytest.mark.parametrize("regions", [1, 12])
@pytest.mark.parametrize("factor", [1, 2])
def test_a_mask_of_one_region_is_a_modulated_convolution(
    impl: str, regions: int, factor: int
) -> None:
    """Whatever the tables of regions say that are nowhere."""
    x, weight, mask, scale, shift = make_case(2, 5, 4, (6, 7), regions, factor=factor)
    mask = torch.zeros_like(mask)
    mask[:, regions // 2] = 1
    scale[:, regions // 2 + 1 :] = 1e3
    case = x, weight, mask, scale, shift
    expected = regional_conv2d(*case, impl="rfold")
    torch.testing.assert_close(regional_conv2d(*case, impl="reference"), expected)
    found = regional_conv2d(*(part.float() for part in case), impl=impl)  # type: ignore[arg-type]
    assert relative_error(found, expected) <= TOLERANCE[torch.float32]


def halves(factor: int = 1) -> Case:
    """Two regions side by side, the border between columns 5 and 6."""
    x, weight, mask, scale, shift = make_case(
        2, 4, 3, (8 // factor, 12 // factor), 2, factor=factor
    )
    mask = torch.zeros_like(mask)
    mask[:, 0, :, :6] = 1
    mask[:, 1, :, 6:] = 1
    return x, weight, mask, scale, shift


@pytest.mark.parametrize("factor", [1, 2])
def test_equals_rfold_inside_a_region(factor: int) -> None:
    case = halves(factor)
    ours = regional_conv2d(*case, impl="reference")
    theirs = regional_conv2d(*case, impl="rfold")
    away = [*range(5), *range(7, 12)]
    torch.testing.assert_close(ours[..., away], theirs[..., away])


def test_differs_from_rfold_at_the_border() -> None:
    case = halves()
    ours = regional_conv2d(*case, impl="reference")
    theirs = regional_conv2d(*case, impl="rfold")
    assert (ours[..., 5:7] - theirs[..., 5:7]).abs().max() > 0.01


def test_demodulated_weights_have_unit_norm() -> None:
    _, weight, _, scale, _ = make_case(2, 5, 4, (1, 1), 3)
    styled = torch.einsum("oiyx,nri,nro->nroiyx", weight, scale, demodulation(weight, scale))
    norms = styled.square().sum((3, 4, 5))
    torch.testing.assert_close(norms, torch.ones_like(norms))


def test_map_of_a_hard_mask_is_a_lookup() -> None:
    mask = torch.zeros(1, 3, 1, 3)
    mask[0, [2, 0, 1], 0, [0, 1, 2]] = 1
    table = torch.arange(6.0).view(1, 3, 2)
    assert region_map(mask, table)[0, :, 0].T.tolist() == [[4, 5], [0, 1], [2, 3]]


@pytest.mark.parametrize("impl", ["reference", "train"])
@pytest.mark.parametrize("factor", [1, 2])
def test_gradients(impl: str, factor: int) -> None:
    case = [part.requires_grad_() for part in make_case(1, 2, 3, (3, 4), 2, factor=factor)]
    assert torch.autograd.gradcheck(
        lambda *parts: regional_conv2d(*parts, impl=impl),  # type: ignore[arg-type]
        case,
    )


def test_fast_leaves_its_input_alone() -> None:
    case = [part.float() for part in make_case(1, 2, 3, (4, 4), 2)]
    before = case[0].clone()
    regional_conv2d(*case, impl="fast")
    assert torch.equal(case[0], before)


def test_wrong_shapes_are_named() -> None:
    x, weight, mask, scale, shift = make_case(1, 2, 3, (4, 4), 2)
    with pytest.raises(ValueError, match="expected a weight"):
        regional_conv2d(x, weight[:, :1], mask, scale, shift)
    with pytest.raises(ValueError, match="expected a mask"):
        regional_conv2d(x, weight, mask[..., :3], scale, shift)
    with pytest.raises(ValueError, match="expected scales"):
        regional_conv2d(x, weight, mask, scale[:, :1], shift)
