"""`bench kernels`: the regional layers beside plain convolutions and beside the R-fold form."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kernels.regional_conv2d import as_kernel, convolve_prepared, demodulation
from kernels.regional_passes import SLOPE
from kernels.upsampled_conv2d import convolve_folded, folded
from realtime.face import MOUTH_WINDOW
from realtime.measure.machine import cpu_name
from realtime.models import openvino_graph
from realtime.models.generator import (
    BASE,
    COARSE,
    CONDITION,
    Generator,
    Level,
    RegionalConv,
    coarser,
    pyramid,
    to_lips,
    views,
)
from realtime.models.renderer import Backend, channels_last
from realtime.regions import REGIONS

Clock = Callable[[], float]
Result = dict[str, float | int | str]


@dataclass(frozen=True)
class Row:
    """One layer of the generator, alone, in PyTorch; or all in a chain, in one backend.

    Times are the least of all rounds, ms; the R-fold form is timed in PyTorch only.
    """

    name: str
    plain_ms: float
    ours_ms: float
    rfold_ms: float = math.nan


@dataclass(frozen=True)
class Shape:
    """A layer: channels into it, channels out, and rows and columns of its outcome; if it
    upsamples, what goes into it is half as large."""

    into: int
    out: int
    rows: int
    columns: int
    upsamples: bool

    @property
    def multiply_adds(self) -> int:
        """Of its convolution."""
        return (4 if self.upsamples else 9) * self.into * self.out * self.rows * self.columns

    def __str__(self) -> str:
        size = f"{self.rows}x{self.columns}"
        return f"{self.into:>3} to {self.out:>3}, {size}{' x2' * self.upsamples}"


class Layer(nn.Module):
    """A random regional layer whose tables are ready, as they are for a known avatar."""

    weight: Tensor
    scale: Tensor
    demodulation: Tensor
    shift: Tensor
    every: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        weight = torch.randn(shape.out, shape.into, 3, 3) * (9 * shape.into) ** -0.5
        scale = 1 + 0.3 * torch.randn(CONDITION, shape.into)
        demodulations = demodulation(weight, scale)
        styled = weight * scale[:, None, :, None, None] * demodulations[..., None, None, None]
        every = styled[:REGIONS].flatten(0, 1)
        self._upsamples = shape.upsamples
        self.register_buffer("weight", folded(weight) if shape.upsamples else weight)
        self.register_buffer("scale", as_kernel(scale))
        self.register_buffer("demodulation", as_kernel(demodulations))
        self.register_buffer("shift", torch.randn(1, shape.out, shape.rows, shape.columns))
        self.register_buffer("every", folded(every) if shape.upsamples else every)

    def plain(self, x: Tensor) -> Tensor:
        return self._convolve(x, self.weight)

    def ours(self, x: Tensor, told: tuple[Tensor, Tensor]) -> Tensor:
        """told: the condition where x lies, and where the outcome does."""
        return convolve_prepared(x, self.weight, told, self.scale, self.demodulation, self.shift)

    def rfold(self, x: Tensor, told: tuple[Tensor, Tensor]) -> Tensor:
        """Every region's convolution, blended by the mask."""
        mask = told[1][:, :REGIONS, None]
        every = self._convolve(x, self.every)
        blended = every.view(1, REGIONS, -1, *every.shape[2:]).mul_(mask).sum(1)
        return F.leaky_relu_(blended.add_(self.shift), SLOPE)

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        return convolve_folded(x, weight) if self._upsamples else F.conv2d(x, weight, padding=1)


class Chain(nn.Module):
    """The layers one after the other: only here does fusing show."""

    start: Tensor

    def __init__(self, *, regional: bool) -> None:
        super().__init__()
        self._regional = regional
        shapes = layer_shapes()
        self.layers = nn.ModuleList(map(Layer, shapes))
        first = shapes[0]
        self.register_buffer("start", torch.randn(1, first.into, first.rows, first.columns))

    def forward(self, wide: Tensor, near: Tensor) -> Tensor:
        """Both views of a condition (`realtime.models.generator.views`) -> [1, 1, 96, 112]; the
        plain chain looks at them once."""
        wide, near = (
            view.to(self.start.dtype).contiguous(memory_format=torch.channels_last)
            for view in (wide, near)
        )
        x = self.start + F.avg_pool2d(wide[:, :1], 1 << len(COARSE) - 1)
        masks = _masks(wide, near) if self._regional else []
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, Layer)
            if index == 2 * len(COARSE):
                x = to_lips(x)
            x = layer.ours(x, masks[index]) if self._regional else layer.plain(x)
        return x[:, :1].float()


def _masks(wide: Tensor, near: Tensor) -> list[tuple[Tensor, Tensor]]:
    """For each layer the condition where its features lie, and where the outcome does."""
    levels = pyramid(wide, near)
    pairs = zip(coarser(levels), levels, strict=True)
    return [masks for below, own in pairs for masks in ((below, own), (own, own))]


@torch.inference_mode()
def bench_kernels(
    candidates: Sequence[Backend], now: Clock, rounds: int = 25
) -> tuple[Result, list[Row]]:
    """What the generator's ten regional layers cost, each in its window; forms alternate.

    over_plain: the fastest backend's chain of layers over the fastest plain chain.
    speedup_over_rfold: the sum of the R-fold layers over that same chain. `now` is a monotonic
    clock in seconds.
    """
    chains = {backend: _chain_row(backend, now, rounds) for backend in candidates}
    backend, best = min(chains.items(), key=lambda item: item[1].ours_ms)
    layers = [_layer_row(shape, backend.dtype, now, rounds) for shape in layer_shapes()]
    result: Result = {
        "over_plain": best.ours_ms / min(row.plain_ms for row in chains.values()),
        "speedup_over_rfold": sum(row.rfold_ms for row in layers) / best.ours_ms,
        "ours_ms": best.ours_ms,
        "backend": str(backend),
        "threads": torch.get_num_threads(),
        "device": cpu_name(),
    }
    return result, [*layers, *chains.values()]


def layer_shapes() -> list[Shape]:
    """The generator's ten layers."""
    levels = cast(Iterable[Level], Generator().levels)
    return [
        _shape(conv, upsamples=conv is level.first and level.size > BASE)
        for level in levels
        for conv in (level.first, level.second)
    ]


def _shape(conv: RegionalConv, *, upsamples: bool) -> Shape:
    out, into = conv.weight.shape[:2]
    rows, columns = conv.noise.shape[2:]
    return Shape(into, out, rows, columns, upsamples)


def _layer_row(shape: Shape, dtype: torch.dtype, now: Clock, rounds: int) -> Row:
    layer = channels_last(Layer(shape).to(dtype))
    told = torch.rand(1, CONDITION, shape.rows, shape.columns)
    before = F.avg_pool2d(told, 2) if shape.upsamples else told
    x = torch.rand(1, shape.into, *before.shape[2:])
    x, before, told = (
        part.to(dtype).contiguous(memory_format=torch.channels_last) for part in (x, before, told)
    )
    masks = before, told
    times = _times(
        [lambda: layer.plain(x), lambda: layer.ours(x, masks), lambda: layer.rfold(x, masks)],
        now,
        rounds,
    )
    return Row(str(shape), *times)


def _chain_row(backend: Backend, now: Clock, rounds: int) -> Row:
    sizes = (part.stop - part.start for part in MOUTH_WINDOW)
    wide, near = views(torch.rand(1, CONDITION, *sizes))
    both = wide, near.contiguous()
    with torch.inference_mode(False):
        plain, ours = (_run(Chain(regional=regional), backend, both) for regional in (False, True))
    times = _times([lambda: plain(*both), lambda: ours(*both)], now, rounds)
    return Row(f"all, {backend}", *times)


def _run(chain: Chain, backend: Backend, both: tuple[Tensor, Tensor]) -> Callable[..., object]:
    if backend.name == "torch":
        return channels_last(chain.to(backend.dtype))
    return openvino_graph.compiled(chain.eval(), both, backend.dtype, backend.threads)


def _times(forms: list[Callable[[], object]], now: Clock, rounds: int) -> list[float]:
    """Least milliseconds of each form over `rounds`, taken in turns."""
    best = [math.inf] * len(forms)
    for _ in range(rounds):
        for index, form in enumerate(forms):
            began = now()
            form()
            best[index] = min(best[index], 1e3 * (now() - began))
    return best
