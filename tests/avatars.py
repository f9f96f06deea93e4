"""A drawn avatar and untrained networks, for tests that need no weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from realtime import film
from realtime.avatar_file import Avatar
from realtime.enroll.mesh import mouth_triangles, triangles
from realtime.face import (
    EYE_DISTANCE,
    INNER_LOWER_LIP,
    OVAL,
    coverage,
    crop_matrix,
    lip_polygons,
    transform,
)
from realtime.filmed_face import Film, FilmedFace
from realtime.models.audio_encoder import AudioEncoder, AudioEncoderConfig
from realtime.models.generator import Generator
from realtime.models.lip_code import LipDecoder, LipDecoderConfig
from realtime.models.networks import Networks
from realtime.models.style_encoder import StyleEncoder
from realtime.mouth_plate import default_denture, fit_denture
from realtime.mouths import Mouths, cut
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


def filmed_avatar(pictures: int = 4) -> Avatar:
    """The same as a film in which it goes to the right by a pixel a picture, there and back."""
    avatar = drawn_avatar()
    rest = (avatar.points - avatar.points.mean(0)) / np.float32(EYE_DISTANCE)
    shift = np.arange(pictures)
    moved = [np.roll(avatar.picture, n, 1) for n in shift]
    place = np.column_stack([EYE_DISTANCE * np.eye(3), avatar.points.mean(0)])
    places = np.repeat(place[None], pictures, 0)
    places[:, 0, 3] += shift
    matrix = crop_matrix(avatar.points)
    seen = transform(matrix, avatar.points)
    opened = seen.copy()
    opened[list(INNER_LOWER_LIP[1:-1]), 1] += 10
    mouth = cut(avatar.picture, matrix)
    mesh = np.concatenate([mouth_triangles(), triangles()])
    mouths = Mouths(np.stack([mouth, mouth]), np.stack([seen, opened]), mesh)
    face = FilmedFace(rest.astype(np.float32), mouths, np.eye(17, 16, dtype=np.float32))
    return replace(avatar, film=Film(film.encoded(moved), places.astype(np.float32), face))


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
