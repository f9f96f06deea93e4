"""The kernels' bench: the forms it compares compute the same, and its sums."""

from __future__ import annotations

import itertools

import pytest
import torch

from realtime.measure.bench_kernels import Layer, bench_kernels, layer_shapes
from realtime.models.renderer import Backend


def test_the_forms_are_the_same_layer() -> None:
    torch.manual_seed(0)
    layer = Layer(5, 3, 7)
    told = torch.zeros(1, 15, 7, 7)
    told[:, 4] = 1
    x = torch.randn(1, 5, 7, 7)
    torch.testing.assert_close(layer.ours(x, told), layer.rfold(x, told), rtol=1e-4, atol=1e-5)


def test_ten_layers_of_the_mouth() -> None:
    shapes = layer_shapes()
    assert len(shapes) == 10
    assert shapes[0] == (128, 128, 10)
    assert shapes[-1] == (32, 32, 160)


def test_sums_over_layers_and_backends() -> None:
    ticks = itertools.count()
    result, rows = bench_kernels([Backend()], lambda: float(next(ticks)), rounds=1)
    assert result["over_plain"] == pytest.approx(1)
    assert result["speedup_over_rfold"] == pytest.approx(10)
    assert len(rows) == 10 + 1
