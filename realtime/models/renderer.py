"""The generator at work: one avatar as a function from a frame's mask to layers.

Style scales, demodulation and all that only the avatar decides are folded into constants; masks
become style maps by 1x1 convolutions. The function is plain PyTorch, exports with fixed shapes,
and runs in PyTorch or, where that is installed, under OpenVINO.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar, cast

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from kernels.conv2d_times import onednn_computes
from kernels.regional_conv2d import as_kernel, convolve_prepared, demodulation
from kernels.upsampled_conv2d import folded
from realtime.face import CROP, LIPS_WINDOW, MOUTH_WINDOW, within
from realtime.models import openvino_graph
from realtime.models.generator import (
    BASE,
    CONDITION,
    FINE,
    Generator,
    Level,
    RegionalConv,
    climb,
    coarser,
    compose,
    cut,
    pyramid,
    views,
)
from realtime.models.style_encoder import CODE
from realtime.regions import REGIONS

Picture = NDArray[np.float32]
_Network = TypeVar("_Network", bound=nn.Module)

_NEARLY = 1.15
_LIPS = within(LIPS_WINDOW, MOUTH_WINDOW)


@dataclass(frozen=True)
class Backend:
    """Who computes a frame, in which dtype (float32 or bfloat16); `threads` are OpenVINO's. cuda
    is all of the face on a GPU: see `realtime.batched.look`."""

    name: Literal["torch", "openvino", "cuda"] = "torch"
    dtype: torch.dtype = torch.float32
    threads: int = field(default_factory=torch.get_num_threads, compare=False)

    def __str__(self) -> str:
        return f"{self.name} {str(self.dtype).removeprefix('torch.')}"


# The steadiest first: PyTorch's threads wait for each other at every layer, for long beside other
# programs.
EVERY_BACKEND = tuple(
    Backend(name, dtype)
    for name in ("openvino", "torch")
    for dtype in (torch.float32, torch.bfloat16)
)


@dataclass(frozen=True)
class Layers:
    """What the compositor lays together, in the mouth's window of the canonical crop.

    flow float32 [h, w, 2], canonical pixels: pixel p shows the photograph at p + flow;
    matte float32 [h, w], 0 photograph .. 1 inside; inside float32 [h, w, 3], RGB 0..1.
    """

    flow: Picture
    matte: Picture
    inside: Picture


class _Conv(nn.Module):
    """A regional convolution of one avatar: weight, tables as 1x1 kernels, shift [1, O, h, w].

    `told` is the condition where the features lie, and where the outcome does: the kernels read all
    of it, the plate with zeros, for cutting out the mask costs more.
    """

    weight: Tensor
    scale: Tensor
    demodulation: Tensor
    shift: Tensor

    def __init__(
        self, conv: RegionalConv, codes: Tensor, shift: Tensor, *, upsampling: bool = False
    ) -> None:
        super().__init__()
        scale, weight = conv.scale(codes), conv.weight.detach()
        self.register_buffer("weight", folded(weight) if upsampling else weight)
        self.register_buffer("scale", _table(scale))
        self.register_buffer("demodulation", _table(demodulation(conv.weight, scale)))
        self.register_buffer("shift", shift.expand(1, len(conv.weight), -1, -1).contiguous())

    def forward(self, x: Tensor, told: tuple[Tensor, Tensor], shift: Tensor) -> Tensor:
        return convolve_prepared(x, self.weight, told, self.scale, self.demodulation, shift)


class _Level(nn.Module):
    """Two regional convolutions, what the frame tells the first, and the heads' weights."""

    condition: Tensor
    head: Tensor
    head_bias: Tensor

    def __init__(self, level: Level, reference: Tensor, codes: Tensor) -> None:
        super().__init__()
        shift = level.first.shift() + level.reference(reference)
        self.first = _Conv(level.first, codes, shift, upsampling=level.size > BASE)
        self.second = _Conv(level.second, codes, level.second.shift())
        self.register_buffer("condition", level.condition.weight.detach())
        self.register_buffer("head", level.head.weight.detach())
        self.register_buffer("head_bias", torch.as_tensor(level.head.bias).detach())

    def forward(self, x: Tensor, below: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The condition is given where x lies, too."""
        shift = F.conv2d(condition, self.condition).add_(self.first.shift)
        x = self.first(x, (below, condition), shift)
        x = self.second(x, (condition, condition), self.second.shift)
        # Planar: the few heads are cut apart later, and strided they cost twice as much.
        return x, F.conv2d(x, self.head, self.head_bias).float().contiguous()


class AvatarGraph(nn.Module):
    """Both views of the condition (mask, plate), float32 [1, 15, 40, 40] and [1, 15, 96, 112], ->
    flow [1, 2, 160, 160], and matte 1 and inside 3 in the lips' window: [1, 4, 96, 112]."""

    start: Tensor

    def __init__(self, generator: Generator, photo: Picture, mask: Picture, codes: Tensor) -> None:
        super().__init__()
        reference = cut(torch.from_numpy(np.concatenate([mask, photo]))[None], MOUTH_WINDOW)
        self.register_buffer("start", cut(generator.constant, MOUTH_WINDOW).detach())
        self.levels = nn.ModuleList(
            _Level(cast(Level, level), seen, codes)
            for level, seen in zip(generator.levels, pyramid(*views(reference)), strict=True)
        )

    def forward(self, wide: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        mask, plate = near[:, :REGIONS], near[:, REGIONS:]
        told = pyramid(self._rounded(wide), self._rounded(near))
        levels = [
            partial(level, below=below, condition=own)
            for level, below, own in zip(self.levels, coarser(told), told, strict=True)
        ]
        flow, *paint = compose(*climb(levels, self.start), mask, plate)
        return flow, torch.cat(paint, 1)

    def convs(self) -> list[_Conv]:
        """The regional convolutions, the coarsest first."""
        levels = cast(Iterable[_Level], self.levels)
        return [conv for level in levels for conv in (level.first, level.second)]

    def _rounded(self, view: Tensor) -> Tensor:
        # Rounding before transposing takes a third of the time of both at once.
        return view.to(self.start.dtype).contiguous(memory_format=torch.channels_last)


def _table(rows: Tensor) -> Tensor:
    """Rows of the regions [12, C] as a 1x1 kernel over the condition: [C, 15, 1, 1]."""
    return as_kernel(F.pad(rows, (0, 0, 0, CONDITION - REGIONS)))


Prepared = Callable[..., Sequence[Tensor]]


def prepare(
    generator: Generator, photo: Picture, mask: Picture, codes: Tensor, backend: Backend
) -> Prepared:
    """All that is constant for one avatar: photo [3, 256, 256] RGB 0..1, mask [12, 256, 256],
    codes [12, 64]. ModuleNotFoundError where the backend is not installed."""
    with torch.no_grad():
        graph = AvatarGraph(generator, photo, mask, codes).eval()
    if backend.name == "openvino":
        blank = torch.zeros(1, CONDITION, *(part.stop - part.start for part in MOUTH_WINDOW))
        return openvino_graph.compiled(graph, views(blank), backend.dtype, backend.threads)
    return channels_last(graph.to(backend.dtype))


def render(prepared: Prepared, target_mask: Picture, plate: Picture) -> Layers:
    """One frame: target_mask float32 [12, 160, 160] and plate float32 [3, 160, 160]."""
    with torch.inference_mode():
        made = prepared(*_views(np.concatenate([target_mask, plate])))
    flow, paint = (np.ascontiguousarray(each[0].numpy().transpose(1, 2, 0)) for each in made)
    whole = np.zeros((*flow.shape[:2], 4), np.float32)
    whole[_LIPS] = paint
    return Layers(flow, whole[..., 0], whole[..., 1:])


def _views(planes: Picture) -> tuple[Tensor, Tensor]:
    """As `realtime.models.generator.views`, in a tenth of the time."""
    count, _, width = planes.shape
    rows = planes.reshape(-1, width)
    smaller = width >> len(FINE), len(rows) >> len(FINE)
    wide = cv2.resize(rows, smaller, interpolation=cv2.INTER_AREA).reshape(count, -1, smaller[0])
    near = np.ascontiguousarray(planes[(slice(None), *_LIPS)])
    return torch.from_numpy(wide)[None], torch.from_numpy(near)[None]


def channels_last(network: _Network) -> _Network:
    """The network with its 4-dimensional buffers laid out as CPU convolutions like them."""
    for part in network.modules():
        for name, buffer in list(part.named_buffers(recurse=False)):
            if buffer.ndim == 4:
                setattr(part, name, buffer.contiguous(memory_format=torch.channels_last))
    return network


def backends() -> list[Backend]:
    """What this machine has; emulated, bfloat16 takes twenty times as long as float32."""
    return [
        backend
        for backend in EVERY_BACKEND
        if (backend.name == "torch" or openvino_graph.installed())
        and (backend.dtype == torch.float32 or onednn_computes(backend.dtype))
    ]


def chosen(milliseconds: Mapping[Backend, float]) -> Backend:
    """The steadiest backend that is nearly as fast as the fastest.

    A clear margin, so that two runs on one machine choose alike and show the same frames.
    """
    limit = _NEARLY * min(milliseconds.values())
    fast = [backend for backend, took in milliseconds.items() if took <= limit]
    return min(fast, key=EVERY_BACKEND.index)


def measured(
    generator: Generator, now: Callable[[], float], rounds: int = 8
) -> dict[Backend, float]:
    """Milliseconds in which backends render the mouth, the fastest first.

    PyTorch in its dtypes; then the better of the two beside OpenVINO, where that is installed.
    `now` is a monotonic clock in seconds. Takes half a second, and one more with OpenVINO.
    """
    plain = [backend for backend in backends() if backend.name == "torch"]
    rows = _alternating(generator, plain, now, rounds)
    if openvino_graph.installed():
        best = min(rows, key=rows.__getitem__)
        rivals = [best, Backend("openvino", best.dtype)]
        rows |= _alternating(generator, rivals, now, rounds)
    return dict(sorted(rows.items(), key=lambda row: row[1]))


def _alternating(
    generator: Generator, rivals: Sequence[Backend], now: Callable[[], float], rounds: int
) -> dict[Backend, float]:
    """Least milliseconds of each backend for a blank mouth, taken in turns."""
    photo = np.zeros((3, CROP, CROP), np.float32)
    mask = np.zeros((REGIONS, CROP, CROP), np.float32)
    target = np.ascontiguousarray(mask[(slice(None), *MOUTH_WINDOW)])
    plate = np.zeros((3, *target.shape[1:]), np.float32)
    codes = torch.zeros(REGIONS, CODE)
    avatars = {backend: prepare(generator, photo, mask, codes, backend) for backend in rivals}
    best = dict.fromkeys(avatars, math.inf)
    for _ in range(rounds):
        for backend, avatar in avatars.items():
            began = now()
            render(avatar, target, plate)
            best[backend] = min(best[backend], 1e3 * (now() - began))
    return best
