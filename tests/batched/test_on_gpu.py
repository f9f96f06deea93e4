"""What a GPU computes, against the plain forms on the CPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import numpy as np
import pytest
import torch

from kernels.regional_layer import Heads, Tables, packed, regional_layer
from realtime.avatar_file import Avatar
from realtime.backdrop import colour
from realtime.batched.engine import BatchedEngine
from realtime.clock import Sound
from realtime.engine import Engine, Outfit
from realtime.measure.bench_kernels import Shape, layer_shapes
from realtime.models.generator import CONDITION
from realtime.models.networks import Networks
from realtime.models.renderer import Backend
from tests.batched.conftest import outfit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
KINDS = 7
# The generator computes in bfloat16: flow is right to some hundredths of a pixel.
MEAN, WORST, SHARE = 0.15, 12, 1e-3


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", layer_shapes(), ids=str)
def test_layers_agree_with_float64(shape: Shape, dtype: torch.dtype, batch: int) -> None:
    draw = torch.Generator().manual_seed(9)

    def random(*size: int) -> torch.Tensor:
        made = torch.randn(size, generator=draw)
        return made.contiguous(memory_format=torch.channels_last) if made.ndim == 4 else made

    height, width = (side >> shape.upsamples for side in (shape.rows, shape.columns))
    x = random(batch, shape.into, height, width).to(dtype)
    weight = (random(shape.out, shape.into, 3, 3) * (9 * shape.into) ** -0.5).to(dtype)
    kernel = packed(weight, doubling=shape.upsamples)
    condition = random(batch, CONDITION, shape.rows, shape.columns).softmax(1)
    condition = condition.contiguous(memory_format=torch.channels_last)
    tables = [random(batch, CONDITION, shape.out), random(CONDITION, shape.out)]
    tables.append(random(batch, CONDITION, shape.out))
    shift = random(1, shape.out, shape.rows, shape.columns).to(dtype)
    heads = [random(shape.out, KINDS), random(KINDS)]
    below = random(batch, KINDS, shape.rows // 2, shape.columns // 2)
    exact = regional_layer(
        *(x.double(), kernel.double(), condition.double()),
        Tables(*(table.double() for table in tables)),
        *(shift.double(), Heads(*(head.double() for head in heads)), below.double()),
        impl="reference",
    )
    found = regional_layer(
        *(x.cuda(), kernel.cuda(), condition.cuda()),
        Tables(*(table.cuda() for table in tables)),
        *(shift.cuda(), Heads(*(head.cuda() for head in heads)), below.cuda()),
    )
    for made, expected in zip(found, exact, strict=True):
        assert made is not None
        assert expected is not None
        error = (made.cpu().double() - expected).abs().max() / expected.abs().max()
        assert error <= TOLERANCE[dtype]


@pytest.mark.parametrize("sessions", [1, 5])
def test_shows_what_the_engine_on_the_cpu_does(
    networks: Networks, avatars: list[Avatar], speech: list[Sound], sessions: int
) -> None:
    looks: list[Outfit] = [outfit(avatars[0]), outfit(avatars[1], colour("green"))]
    outfits = list(islice(cycle(looks), sessions))
    batch = BatchedEngine(networks, outfits, seeds=range(sessions), device=torch.device("cuda"))
    engines = [
        Engine(networks, each.avatar, seed=seed, background=each.background)
        for seed, each in enumerate(outfits)
    ]
    for step in range(len(speech)):
        sounds = [speech[(step + 7 * session) % len(speech)] for session in range(sessions)]
        frames = batch.step(np.stack(sounds))
        for frame, engine, sound in zip(frames, engines, sounds, strict=True):
            apart = np.abs(frame.astype(int) - engine.step(sound).image)
            assert apart.mean() < MEAN
            assert (apart > WORST).mean() < SHARE


def test_looks_are_made_while_others_are_shown(
    networks: Networks, avatars: list[Avatar], speech: list[Sound]
) -> None:
    """As in a call whose caller tries another portrait on: both show what they should."""
    cuda = Backend("cuda", torch.bfloat16)
    shown, plain = (Engine(networks, avatars[0], backend=each) for each in (cuda, Backend()))
    with ThreadPoolExecutor(1) as beside:
        looks = [
            beside.submit(Engine, networks, avatar, backend=cuda) for avatar in (*avatars, *avatars)
        ]
        for sound in speech:
            apart = np.abs(shown.step(sound).image.astype(int) - plain.step(sound).image)
            assert apart.mean() < MEAN
    second, plain = looks[1].result(), Engine(networks, avatars[1])
    for sound in speech:
        apart = np.abs(second.step(sound).image.astype(int) - plain.step(sound).image)
        assert apart.mean() < MEAN
