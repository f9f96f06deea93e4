"""Many avatars' generator against one's."""

from __future__ import annotations

import numpy as np
import torch

from realtime.avatar_file import Avatar
from realtime.batched.layers import Layers
from realtime.canonical import CanonicalFace
from realtime.face import MOUTH_WINDOW
from realtime.models.networks import Networks
from realtime.models.renderer import AvatarGraph, render
from realtime.regions import REGIONS
from tests.batched.conftest import relative_error


def test_every_session_shows_its_own_avatar(networks: Networks, avatars: list[Avatar]) -> None:
    draw = np.random.default_rng(5)
    side = MOUTH_WINDOW[0].stop - MOUTH_WINDOW[0].start
    layers = Layers(networks.generator, 2, torch.float32)
    layers.seat(0, _graph(networks, avatars[1]))
    for session, avatar in enumerate(avatars):
        layers.seat(session, _graph(networks, avatar))
    masks = draw.dirichlet(np.ones(REGIONS), (2, side, side)).transpose(0, 3, 1, 2)
    plates = draw.random((2, 3, side, side))
    condition = torch.from_numpy(np.concatenate([masks, plates], 1)).float()
    with torch.inference_mode():
        made = layers(condition.contiguous(memory_format=torch.channels_last))
    for session, avatar in enumerate(avatars):
        alone = _graph(networks, avatar)
        target = condition[session].numpy()
        layer = render(alone, target[:REGIONS].copy(), target[REGIONS:].copy())
        flow, matte, inside = (part[session].numpy().transpose(1, 2, 0) for part in made)
        assert relative_error(flow, layer.flow) < 1e-4
        rows, columns = slice(40, 136), slice(24, 136)
        assert relative_error(matte[..., 0], layer.matte[rows, columns]) < 1e-4
        assert relative_error(inside, layer.inside[rows, columns]) < 1e-4


def _graph(networks: Networks, avatar: Avatar) -> AvatarGraph:
    face = CanonicalFace.of(avatar)
    codes = face.codes(avatar, networks)
    return AvatarGraph(networks.generator, face.photo, face.mask, codes).eval()
