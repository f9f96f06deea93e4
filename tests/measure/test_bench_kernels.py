"""The kernels' bench: the forms it compares compute the same, and its sums."""

from __future__ import annotations

import itertools

import pytest
import torch

from realtime.measure.bench_kernels import Layer, Shape, bench_kernels, layer_shapes
from realtime.models.renderer import Backend


@pytest.mark.parametrize("upsamples", [False, True])
def test_the_forms_are_the_same_layer(upsamples: bool) -> None:
    torch.manual_seed(0)
    layer = Layer(Shape(5, 3, 8, 6, upsamples))
    told = torch.zeros(1, 15, 8, 6)
    told[:, 4] = 1
    before = told[..., ::2, ::2] if upsamples else told
    x = torch.randn(1, 5, *before.shape[2:])
    ours, theirs = layer.ours(x, (before, told)), layer.rfold(x, (before, told))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_ten_layers_in_two_windows() -> None:
    shapes = layer_shapes()
    assert len(shapes) == 10
    assert shapes[0] == Shape(96, 96, 10, 10, upsamples=False)
    assert shapes[-2:] == [Shape(48, 24, 96, 112, upsamples=True), Shape(24, 24, 96, 112, False)]


def test_sums_over_layers_and_backends() -> None:
    ticks = itertools.count()
    result, rows = bench_kernels([Backend()], lambda: float(next(ticks)), rounds=1)
    assert result["over_plain"] == pytest.approx(1)
    assert result["speedup_over_rfold"] == pytest.approx(10)
    assert len(rows) == 10 + 1
