"""A whole layer in one pass against the operations that it puts together."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.regional_conv2d import demodulation, regional_conv2d
from kernels.regional_layer import Heads, Tables, packed, regional_layer
from kernels.regional_passes import region_map, style
from tests.kernels.interpreter import NEEDS_INTERPRETER, TRITON

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
REGIONS, CONDITION, KINDS = 12, 15, 7


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("impl", ["reference", TRITON])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("doubling", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (4, 10)])
@pytest.mark.parametrize("channels", [(9, 5), (48, 24)])
def test_agrees_with_the_formula(
    impl: str,
    dtype: torch.dtype,
    doubling: bool,
    size: tuple[int, int],
    channels: tuple[int, int],
) -> None:
    """Features for the next layer and heads, of two avatars; in float64 by the formula."""
    into, out = channels
    draw = torch.Generator().manual_seed(3)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw)

    larger = tuple((1 + doubling) * side for side in size)
    condition = torch.cat([random(2, REGIONS, *larger).softmax(1), random(2, 3, *larger)], 1)
    x, weight = random(2, into, *size).to(dtype), (random(out, into, 3, 3) * 0.1).to(dtype)
    scale, following = 1 + 0.3 * random(2, REGIONS, into), 1 + 0.3 * random(2, CONDITION, out)
    told, head, bias = random(CONDITION, out), random(out, KINDS), random(KINDS)
    shift = channels_last(random(1, out, *larger).to(dtype))
    below = channels_last(random(2, KINDS, *size)) if doubling else None

    mask = condition[:, :REGIONS]
    before = F.avg_pool2d(mask, 2) if doubling else mask
    wide = [part.double() for part in (condition, weight, scale, shift, told, following)]
    expected = regional_conv2d(
        *(x.double(), wide[1], wide[0][:, :REGIONS], wide[2]),
        wide[3] + region_map(wide[0], wide[4]),
        impl="reference",
    )
    sums = torch.einsum("nohw,ok->nkhw", expected, head.double()) + bias[:, None, None]
    if below is not None:
        sums = sums + F.interpolate(below.double(), scale_factor=2.0, mode="bilinear")
    expected = expected * region_map(wide[0], wide[5])

    table = F.pad(demodulation(weight.float(), scale), (0, 0, 0, CONDITION - REGIONS))
    styled = style(x.double(), before.double(), scale.double(), impl="reference").to(dtype)
    features, found = regional_layer(
        channels_last(styled),
        packed(weight, doubling=doubling),
        channels_last(condition),
        Tables(table, told, following),
        shift,
        Heads(head, bias),
        below,
        impl=impl,  # type: ignore[arg-type]
    )
    assert features.dtype == dtype
    assert relative_error(features, expected) <= TOLERANCE[dtype]
    assert found is not None
    assert relative_error(found, sums) <= TOLERANCE[dtype]


@pytest.mark.parametrize("impl", ["reference", TRITON])
def test_reads_windows_of_larger_pictures(impl: str) -> None:
    """Nothing beyond the window is seen: what lies there is as good as zero."""
    draw = torch.Generator().manual_seed(4)
    whole = channels_last(torch.randn(2, 8, 9, 11, generator=draw))
    sums = channels_last(torch.randn(2, KINDS, 9, 11, generator=draw))
    window = (slice(None), slice(None), slice(2, 6), slice(3, 8))
    weight = packed(torch.randn(6, 8, 3, 3, generator=draw), doubling=True)
    condition = channels_last(torch.rand(2, CONDITION, 8, 10, generator=draw))
    tables = Tables(torch.rand(2, CONDITION, 6, generator=draw))
    shift = channels_last(torch.zeros(1, 6, 8, 10))
    heads = Heads(torch.randn(6, KINDS, generator=draw), torch.zeros(KINDS))

    def run(x: Tensor, below: Tensor) -> tuple[Tensor, Tensor | None]:
        return regional_layer(
            x,
            weight,
            condition,
            tables,
            shift,
            heads,
            below,
            impl=impl,  # type: ignore[arg-type]
        )

    for seen, alone in zip(
        run(whole[window], sums[window]),
        run(channels_last(whole[window].clone()), channels_last(sums[window].clone())),
        strict=True,
    ):
        assert seen is not None
        assert alone is not None
        torch.testing.assert_close(seen, alone)


@NEEDS_INTERPRETER
def test_another_layout_is_refused() -> None:
    draw = torch.Generator().manual_seed(5)
    x = torch.randn(1, 4, 6, 6, generator=draw)
    weight = packed(torch.randn(4, 4, 3, 3, generator=draw), doubling=False)
    condition = channels_last(torch.rand(1, CONDITION, 6, 6, generator=draw))
    tables = Tables(torch.rand(1, CONDITION, 4, generator=draw))
    shift = channels_last(torch.zeros(1, 4, 6, 6))
    with pytest.raises(ValueError, match="expected x to be channels last"):
        regional_layer(x, weight, condition, tables, shift, impl="triton")
