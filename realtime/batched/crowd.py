"""The step of many sessions on one device: sound in, pictures out, one forward for all."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.batched.drawing import POINTS, Drawing, Sketch
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


class Faces(nn.Module):
    """Mask, generator and compositor of N sessions, each with an avatar of its own."""

    def __init__(
        self, networks: Networks, sessions: int, size: tuple[int, int], dtype: torch.dtype
    ) -> None:
        """size: (width, height) of all frames; dtype: the generator's."""
        super().__init__()
        self.drawing = Drawing(sessions)
        self.layers = Layers(networks.generator, sessions, dtype)
        self.stage = Stage(sessions, size)

    @torch.no_grad()
    def seat(self, session: int, portrait: Portrait) -> None:
        """The session shows this portrait from its next step on; its talk goes on."""
        self.drawing.seat(session, portrait.sketch)
        self.layers.seat(session, portrait.graph)
        self.stage.seat(session, portrait.standing)

    def forward(self, motion: Tensor, pose: Tensor, blink: Tensor) -> Tensor:
        """motion float32 [N, P, 2] of the landmarks POINTS, in eye distances, pose float32 [N, 6],
        blink int32 [N], a place in LID_AMOUNTS -> RGB uint8 [N, H, W, 3]."""
        frames: Tensor = self.stage(pose, *self.layers(self.drawing(motion)), blink)
        return frames


class Crowd(nn.Module):
    """Hearing and faces of N sessions.

    `forward` changes buffers in place and allocates alike every time: it can be captured.
    """

    basis: Tensor

    def __init__(
        self,
        networks: Networks,
        sessions: int,
        size: tuple[int, int],
        lookahead_frames: int,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        # Copies, for they move to the device and other engines' networks stay.
        encoder, lips = deepcopy(networks.encoder), deepcopy(networks.lips)
        self.hearing = Hearing(encoder, lips, sessions, lookahead_frames)
        self.faces = Faces(networks, sessions, size, dtype)
        self.register_buffer("basis", networks.lips.basis[:, POINTS, :2].flatten(1))

    def forward(self, sound: Tensor, gain: Tensor, pose: Tensor, blink: Tensor) -> Tensor:
        """sound int16 [N, 640] and gain float32 [N] of `realtime.batched.lives`; the rest as for
        Faces."""
        motion = self.hearing(sound, gain) @ self.basis
        frames: Tensor = self.faces(motion.view(len(sound), -1, 2), pose, blink)
        return frames
