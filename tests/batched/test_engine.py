"""Many sessions in one forward against an engine each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.backdrop import Blur, colour
from realtime.batched.crowd import Portrait
from realtime.batched.engine import BatchedEngine
from realtime.batched.look import DeviceLook
from realtime.clock import Sound
from realtime.engine import Engine, Outfit
from realtime.models.networks import Networks
from realtime.models.renderer import Backend
from tests.batched.conftest import outfit

SIZE = (192, 256)
CPU = torch.device("cpu")
# The generator's kernels, its sums and roundings differ: nobody sees a level of 255.
MEAN, WORST, SHARE = 0.05, 3, 1e-4


def assert_alike(found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    apart = np.abs(found.astype(int) - expected)
    assert apart.mean() < MEAN
    assert (apart > WORST).mean() < SHARE


def test_each_shows_what_its_own_engine_would(
    networks: Networks, avatars: list[Avatar], speech: list[Sound]
) -> None:
    """Another voice, avatar, background and seed each; blinks included."""
    outfits = [outfit(avatars[0]), outfit(avatars[1], colour("green"))]
    batch = BatchedEngine(networks, outfits, size=SIZE, seeds=[3, 4], device=CPU)
    engines = [
        Engine(networks, each.avatar, size=SIZE, seed=seed, background=each.background)
        for each, seed in zip(outfits, (3, 4), strict=True)
    ]
    for first, second in zip(speech, reversed(speech), strict=True):
        frames = batch.step(np.stack([first, second]))
        for frame, engine, sound in zip(frames, engines, (first, second), strict=True):
            assert_alike(frame, engine.step(sound).image)


def test_one_changes_its_look_while_all_talk(
    networks: Networks, avatars: list[Avatar], speech: list[Sound]
) -> None:
    other = Outfit(avatars[1], None, replace(avatars[1].manner, yaw=5.0))
    outfits = [outfit(avatars[0])] * 2
    batch = BatchedEngine(networks, outfits, size=SIZE, seeds=[0, 1], device=CPU)
    engines = [Engine(networks, avatars[0], size=SIZE, seed=seed) for seed in (0, 1)]
    for index, sound in enumerate(speech[:16]):
        if index == 8:
            batch.seat(1, batch.portrait(other), other.manner)
            engines[1] = engines[1].changed(other)
        frames = batch.step(np.stack([sound, sound]))
        for frame, engine in zip(frames, engines, strict=True):
            assert_alike(frame, engine.step(sound).image)


def test_one_forgets_the_sound_it_heard(
    networks: Networks, avatars: list[Avatar], speech: list[Sound]
) -> None:
    outfits = [outfit(avatars[0])] * 2
    batch = BatchedEngine(networks, outfits, size=SIZE, seeds=[0, 1], device=CPU)
    engines = [Engine(networks, avatars[0], size=SIZE, seed=seed) for seed in (0, 1)]
    for index, sound in enumerate(speech[:12]):
        if index == 6:
            batch.reset(0)
            engines[0].reset()
        frames = batch.step(np.stack([sound, sound]))
        for frame, engine in zip(frames, engines, strict=True):
            assert_alike(frame, engine.step(sound).image)


class Fire:
    """A background that moves."""

    def picture(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        return np.zeros((*size[::-1], 3), np.uint8)


def test_a_look_shows_what_a_cpu_would(
    networks: Networks,
    avatars: list[Avatar],
    speech: list[Sound],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is behind it; what moves there, the CPU shows."""

    def on_cpu(*given: Any) -> DeviceLook:
        networks, avatar, size, background, _ = given
        return DeviceLook(networks, avatar, size, background, CPU)

    monkeypatch.setattr("realtime.engine.DeviceLook", on_cpu)
    backends = Backend("cuda"), Backend()
    on_gpu, plain = (Engine(networks, avatars[0], size=SIZE, backend=each) for each in backends)
    for background in (None, Blur(), Fire()):
        look = Outfit(avatars[0], background, avatars[0].manner)
        on_gpu, plain = on_gpu.changed(look), plain.changed(look)
        for sound in speech[:6]:
            assert_alike(on_gpu.step(sound).image, plain.step(sound).image)


def test_sound_of_another_length_is_refused(networks: Networks, avatars: list[Avatar]) -> None:
    batch = BatchedEngine(networks, [outfit(avatars[0])], size=SIZE, seeds=[0], device=CPU)
    with pytest.raises(ValueError, match="640 samples"):
        batch.step(np.zeros((1, 320), np.int16))


def test_a_background_that_moves_is_refused(networks: Networks, avatars: list[Avatar]) -> None:
    with pytest.raises(ValueError, match="stands still"):
        Portrait.of(networks, avatars[0], SIZE, Fire())
