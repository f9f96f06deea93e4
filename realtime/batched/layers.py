"""The generator for many avatars at once: masks in, what the compositor lays together out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from kernels.regional_layer import Heads, Tables, packed, regional_layer
from kernels.regional_passes import style
from realtime.face import MOUTH_WINDOW
from realtime.models.generator import (
    BASE,
    COARSE,
    CONDITION,
    Generator,
    Level,
    RegionalConv,
    compose,
    cut,
    pyramid,
    to_lips,
    views,
)
from realtime.models.renderer import AvatarGraph
from realtime.regions import REGIONS


class Layers(nn.Module):
    """All of the generator. What an avatar decides lies in tables, a row a session, which
    `seat` fills in; weights and what goes through the layers are `dtype`."""

    start: Tensor
    scale: Tensor

    def __init__(self, generator: Generator, sessions: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        start = cut(generator.constant, MOUTH_WINDOW).detach().to(dtype)
        self.register_buffer("start", start.contiguous(memory_format=torch.channels_last))
        self.register_buffer("scale", torch.zeros(sessions, CONDITION, COARSE[0], dtype=dtype))
        levels = [cast(Level, level) for level in generator.levels]
        following = [*(level.first for level in levels[1:]), None]
        self.first = nn.ModuleList(
            _Layer(level.first, level, level.second, sessions, dtype) for level in levels
        )
        self.second = nn.ModuleList(
            _Layer(level.second, level, after, sessions, dtype)
            for level, after in zip(levels, following, strict=True)
        )

    def seat(self, session: int, avatar: AvatarGraph) -> None:
        """The session's face is the avatar's from now on."""
        convs = avatar.convs()
        self.scale[session].copy_(_rows(convs[0].scale))
        for layer, (conv, after) in zip(
            self._layers(), itertools.zip_longest(convs, convs[1:]), strict=True
        ):
            layer.demodulation[session].copy_(_rows(conv.demodulation))
            if after is not None:
                layer.next_scale[session].copy_(_rows(after.scale))
            if layer.is_told:
                layer.shift[session].copy_(conv.shift[0])

    def forward(self, condition: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mask and plate float32 [N, 15, 160, 160], channels last -> flow [N, 2, 160, 160], matte
        [N, 1, 96, 112] and inside [N, 3, 96, 112], float32: see `realtime.models.generator`."""
        wide, near = views(condition)
        near = near.contiguous(memory_format=torch.channels_last)
        told = pyramid(wide, near)
        start = self.start.expand(len(condition), -1, -1, -1)
        x = style(start, told[0].to(self.dtype), self.scale)
        sums: Tensor | None = None
        coarse: Tensor | None = None
        for index, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            if index == len(COARSE):
                assert sums is not None
                coarse, x, sums = sums, to_lips(x), to_lips(sums)
            x, _ = first(x, told[index])
            x, sums = second(x, told[index], sums)
        assert coarse is not None
        assert sums is not None
        return compose(coarse, sums, near[:, :REGIONS], near[:, REGIONS:])

    def _layers(self) -> Iterator[_Layer]:
        for first, second in zip(self.first, self.second, strict=True):
            yield cast(_Layer, first)
            yield cast(_Layer, second)


class _Layer(nn.Module):
    """One regional convolution of all sessions: the first of a level is told the condition and
    shifted by the reference, the second has the heads."""

    weight: Tensor
    told: Tensor
    shift: Tensor
    demodulation: Tensor
    next_scale: Tensor
    head: Tensor
    head_bias: Tensor

    def __init__(
        self,
        conv: RegionalConv,
        level: Level,
        after: RegionalConv | None,
        sessions: int,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.is_told, self._is_last = conv is level.first, after is None
        out = len(conv.weight)
        weight = packed(conv.weight.detach(), doubling=self.is_told and level.size > BASE)
        shift = conv.shift().detach()
        if self.is_told:
            shift = shift.new_zeros(1).expand(sessions, *shift.shape[1:])
        self.register_buffer("weight", weight.to(dtype))
        self.register_buffer("shift", shift.to(dtype).contiguous(memory_format=torch.channels_last))
        self.register_buffer("demodulation", torch.zeros(sessions, CONDITION, out))
        styled = 0 if after is None else after.weight.shape[1]
        self.register_buffer("next_scale", torch.zeros(sessions, CONDITION, styled))
        self.register_buffer("told", level.condition.weight.detach()[:, :, 0, 0].T.contiguous())
        self.register_buffer("head", level.head.weight.detach()[:, :, 0, 0].T.contiguous())
        self.register_buffer("head_bias", torch.as_tensor(level.head.bias).detach().clone())

    def forward(
        self, x: Tensor, condition: Tensor, below: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        tables = Tables(
            self.demodulation,
            self.told if self.is_told else None,
            None if self._is_last else self.next_scale,
        )
        heads = None if self.is_told else Heads(self.head, self.head_bias)
        return regional_layer(x, self.weight, condition, tables, self.shift, heads, below)


def _rows(table: Tensor) -> Tensor:
    """A 1x1 kernel over the condition [C, 15, 1, 1] as a table of its rows: [15, C]."""
    return table[:, :, 0, 0].T
