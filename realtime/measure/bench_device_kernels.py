"""`bench kernels --device cuda`: the generator's layers beside cuDNN's plain convolutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.regional_layer import Tables, packed, regional_layer
from kernels.upsampled_conv2d import convolve_folded, folded
from realtime.batched.replay import captured
from realtime.measure.bench_kernels import Shape, layer_shapes
from realtime.models.generator import CONDITION

_REPEATS, _ROUNDS = 20, 15
_BYTES = 2  # of bfloat16


@dataclass(frozen=True)
class DeviceRow:
    """One layer for `batch` faces, milliseconds under a CUDA graph: cuDNN's convolution alone; all
    of the layer in one pass; cuDNN's and the passes around it. What it must compute and move, and
    the share of this GPU's measured limits that the one pass reaches."""

    name: str
    plain_ms: float
    ours_ms: float
    passes_ms: float
    flops: float
    bytes: float
    roofline: float


@dataclass(frozen=True)
class Limits:
    """What this GPU does at most: bf16 operations a second, bytes to and from memory a second."""

    flops: float
    bytes: float


def measured_limits() -> Limits:
    """By a matrix product of 8192 and by a copy of 1 GB."""
    side, size = 8192, 1 << 30
    matrix = torch.randn(side, side, device="cuda", dtype=torch.bfloat16)
    source = torch.empty(size, device="cuda", dtype=torch.uint8)
    target = torch.empty_like(source)
    product = _milliseconds(lambda: matrix @ matrix, repeats=2)
    copy = _milliseconds(lambda: target.copy_(source), repeats=2)
    return Limits(2 * side**3 / product * 1e3, 2 * size / copy * 1e3)


@torch.inference_mode()
def bench_device_kernels(batch: int, limits: Limits) -> list[DeviceRow]:
    """The generator's ten layers for `batch` faces, bfloat16, channels last."""
    return [_row(shape, batch, limits) for shape in layer_shapes()]


def _row(shape: Shape, batch: int, limits: Limits) -> DeviceRow:
    draw = partial(torch.randn, device="cuda")
    height, width = (side >> shape.upsamples for side in (shape.rows, shape.columns))
    x = _half(draw(batch, shape.into, height, width))
    weight = draw(shape.out, shape.into, 3, 3) * (9 * shape.into) ** -0.5
    condition = draw(batch, CONDITION, shape.rows, shape.columns)
    condition = condition.softmax(1).contiguous(memory_format=torch.channels_last)
    # A layer that doubles is a level's first: it is told the condition. The second has the heads,
    # left out here, for they belong to no convolution.
    tables = Tables(
        1 + 0.3 * draw(batch, CONDITION, shape.out),
        draw(CONDITION, shape.out) if shape.upsamples else None,
        1 + 0.3 * draw(batch, CONDITION, shape.out),
    )
    shift = _half(draw(1, shape.out, shape.rows, shape.columns))
    kernel = packed(weight.bfloat16(), doubling=shape.upsamples)
    forms = _plain_forms(shape, x, weight)
    ours, passes = (
        partial(regional_layer, x, kernel, condition, tables, shift, impl=impl)
        for impl in ("triton", "reference")
    )
    plain_ms = min(_milliseconds(form) for form in forms)
    ours_ms, passes_ms = _milliseconds(ours), _milliseconds(passes)
    flops = 2.0 * batch * shape.multiply_adds
    moved = _bytes(x, kernel, condition, shift) + _BYTES * batch * shape.out * (
        shape.rows * shape.columns
    )
    floor = 1e3 * max(flops / limits.flops, moved / limits.bytes)
    return DeviceRow(str(shape), plain_ms, ours_ms, passes_ms, flops, moved, floor / ours_ms)


def _plain_forms(shape: Shape, x: Tensor, weight: Tensor) -> list[Callable[[], Tensor]]:
    """Plain convolutions of that shape: of a layer that doubles, of a picture doubled already, or
    folded with the doubling; the faster one counts."""
    larger = F.interpolate(x, scale_factor=2.0) if shape.upsamples else x
    forms: list[Callable[[], Tensor]] = [partial(F.conv2d, _half(larger), _half(weight), padding=1)]
    if shape.upsamples:
        forms.append(partial(convolve_folded, x, _half(folded(weight))))
    return forms


def _half(x: Tensor) -> Tensor:
    return x.bfloat16().contiguous(memory_format=torch.channels_last)


def _bytes(*tensors: Tensor) -> float:
    return float(sum(tensor.numel() * tensor.element_size() for tensor in tensors))


def _milliseconds(work: Callable[[], object], repeats: int = _REPEATS) -> float:
    """The median of several replays of a graph that does the work `repeats` times, for once."""

    def several() -> None:
        for _ in range(repeats):
            work()

    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    replay = captured(several, stream)
    began, ended = (_event() for _ in range(2))
    took = []
    for _ in range(_ROUNDS):
        began.record(stream)
        replay()
        ended.record(stream)
        ended.synchronize()
        took.append(float(began.elapsed_time(ended)) / repeats)
    return median(took)


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
