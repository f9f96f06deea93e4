"""The step of many sessions on one device: sound in, pictures out, one forward for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.batched.drawing import Drawing, Sketch
from realtime.batched.hearing import Hearing
from realtime.batched.layers import Layers
from realtime.batched.stage import Stage, Standing
from realtime.canonical import CanonicalFace
from realtime.models.networks import Networks
from realtime.models.renderer import AvatarGraph
from realtime.setting import Setting


@dataclass(frozen=True, eq=False)
class Portrait:
    """All that a step reads of one avatar before one background, ready to be seated."""

    sketch: Sketch
    graph: AvatarGraph
    standing: Standing

    @classmethod
    def of(
        cls, networks: Networks, avatar: Avatar, size: tuple[int, int], background: Background
    ) -> Portrait:
        """Takes a second or so; in any thread. ValueError for what no batch shows: an avatar from
        a video, a background that moves."""
        if avatar.film is not None:
            raise ValueError("expected an avatar from a photograph, found one from a video")
        face = CanonicalFace.of(avatar)
        with torch.no_grad():
            graph = AvatarGraph(
                networks.generator, face.photo, face.mask, face.codes(avatar, networks)
            )
        standing = Standing.of(Setting.of(avatar, size, background), face)
        return cls(Sketch.of(face, avatar.plate), graph, standing)


class Crowd(nn.Module):
    """Hearing, mask, generator and compositor of N sessions, each with an avatar of its own.

    `forward` changes buffers in place and allocates alike every time: it can be captured.
    """

    def __init__(
        self,
        networks: Networks,
        sessions: int,
        size: tuple[int, int],
        lookahead_frames: int,
        dtype: torch.dtype,
    ) -> None:
        """size: (width, height) of all frames; dtype: the generator's."""
        super().__init__()
        self.hearing = Hearing(networks.encoder, networks.lips, sessions, lookahead_frames)
        self.drawing = Drawing(networks.lips, sessions)
        self.layers = Layers(networks.generator, sessions, dtype)
        self.stage = Stage(sessions, size)

    @torch.no_grad()
    def seat(self, session: int, portrait: Portrait) -> None:
        """The session shows this portrait from its next step on; its talk goes on."""
        self.drawing.seat(session, portrait.sketch)
        self.layers.seat(session, portrait.graph)
        self.stage.seat(session, portrait.standing)

    def forward(self, sound: Tensor, gain: Tensor, pose: Tensor, blink: Tensor) -> Tensor:
        """sound int16 [N, 640], gain float32 [N], pose float32 [N, 6] and blink int32 [N] of
        `realtime.batched.lives` -> RGB uint8 [N, H, W, 3]."""
        condition = self.drawing(self.hearing(sound, gain))
        frames: Tensor = self.stage(pose, *self.layers(condition), blink)
        return frames


def captured(work: Callable[[], object]) -> Callable[[], None]:
    """`work` as one CUDA graph: what it launches is launched again by one call.

    It is run a few times first, so that every kernel is compiled and every library has chosen.
    """
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay
