"""Many sessions in one forward against an engine each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.avatar_file import Avatar
from realtime.backdrop import colour
from realtime.batched.engine import BatchedEngine, DeviceEngine
from realtime.clock import Sound
from realtime.engine import Engine, Outfit
from realtime.models.networks import Networks
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


def test_one_changes_its_look_while_it_talks(
    networks: Networks, avatars: list[Avatar], speech: list[Sound]
) -> None:
    other = Outfit(avatars[1], None, replace(avatars[1].manner, yaw=5.0))
    made = DeviceEngine(networks, outfit(avatars[0]), size=SIZE, device=CPU)
    plain = Engine(networks, avatars[0], size=SIZE)
    for index, sound in enumerate(speech[:16]):
        if index == 8:
            made, plain = made.changed(other), plain.changed(other)
        found, expected = made.step(sound), plain.step(sound)
        assert_alike(found.image, expected.image)
        assert found.index == expected.index
        np.testing.assert_array_equal(found.sound, expected.sound)


def test_forgets_the_sound_heard(
    networks: Networks, avatars: list[Avatar], speech: list[Sound]
) -> None:
    made = DeviceEngine(networks, outfit(avatars[0]), size=SIZE, device=CPU)
    plain = Engine(networks, avatars[0], size=SIZE)
    for index, sound in enumerate(speech[:12]):
        if index == 6:
            made.reset()
            plain.reset()
        found, expected = made.step(sound), plain.step(sound)
        assert_alike(found.image, expected.image)
        np.testing.assert_array_equal(found.sound, expected.sound)


def test_another_length_of_sound_is_refused(networks: Networks, avatars: list[Avatar]) -> None:
    made = DeviceEngine(networks, outfit(avatars[0]), size=SIZE, device=CPU)
    with pytest.raises(ValueError, match="a frame holds 640 samples"):
        made.step(np.zeros(320, np.int16))


class Fire:
    """A background that moves."""

    def picture(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        return np.zeros((*size[::-1], 3), np.uint8)


def test_a_background_that_moves_is_refused(networks: Networks, avatars: list[Avatar]) -> None:
    with pytest.raises(ValueError, match="stands still"):
        DeviceEngine(networks, outfit(avatars[0], Fire()), size=SIZE, device=CPU)
