"""A drawn avatar and untrained networks, for tests that need no weights."""

from __future__ import annotations

import numpy as np
import torch

from realtime.avatar_file import Avatar
from realtime.face import OVAL, coverage, lip_polygons
from realtime.models.audio_encoder import AudioEncoder, AudioEncoderConfig
from realtime.models.generator import Generator
from realtime.models.lip_code import LipDecoder, LipDecoderConfig
from realtime.models.networks import Networks
from realtime.models.style_encoder import StyleEncoder
from realtime.mouth_plate import default_denture, fit_denture
from realtime.regions import Region
from tests.faces import drawn_face

SIDE = 320
_WHOLE = (slice(0, 256), slice(0, 256))


def drawn_avatar() -> Avatar:
    """Soft noise for a photograph, an oval face in its middle."""
    face = drawn_face()
    random = np.random.default_rng(0)
    coarse = random.integers(60, 200, (SIDE // 8, SIDE // 8, 3)).astype(np.uint8)
    points = np.concatenate([face + (SIDE - 256) / 2, np.zeros((len(face), 1))], 1)
    mask = np.zeros((256, 256), np.uint8)
    mask[coverage(face[list(OVAL)], _WHOLE) > 0.5] = Region.SKIN
    for region, polygon in lip_polygons(face).items():
        mask[coverage(polygon, _WHOLE) > 0.5] = region
    return Avatar(
        name="drawn",
        picture=np.kron(coarse, np.ones((8, 8, 1), np.uint8)),
        points=points.astype(np.float32),
        mask=mask,
        matte=np.full((SIDE, SIDE), 255, np.uint8),
        plate=fit_denture(default_denture(), face, np.ones(3, np.float32)),
        codes=np.zeros((12, 64), np.float32),
        consent="drawn by a test",
        created="2026-01-01",
        weights_hash="",
    )


def untrained_networks() -> Networks:
    """Random weights; the lips do move, since their basis is random too."""
    torch.manual_seed(0)
    networks = Networks(
        AudioEncoder(AudioEncoderConfig(stem=(16, 16), width=16, layers=2, features=8)).eval(),
        LipDecoder(
            LipDecoderConfig(inputs=AudioEncoderConfig(features=8).outputs, width=16)
        ).eval(),
        StyleEncoder().eval(),
        Generator().eval(),
        digest="untrained",
    )
    networks.lips.basis.normal_(std=0.02)
    return networks
