"""Many sessions heard at once, against one LipReader each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from realtime.audio.sources import read_sound
from realtime.audio.voice import RestEasing
from realtime.batched.hearing import Hearing
from realtime.clock import FRAME_SAMPLES
from realtime.commands.common import ASSETS, load_networks
from realtime.models.lip_code import LipReader
from realtime.models.networks import Networks

FRAMES = 40
BEGINNINGS = (0, 3, 17)


@pytest.fixture(scope="module")
def networks() -> Networks:
    return load_networks()


@pytest.fixture(scope="module")
def speech() -> NDArray[np.int16]:
    sound = read_sound(ASSETS / "speech.opus")
    return sound[: 2 * FRAMES * FRAME_SAMPLES].reshape(2 * FRAMES, FRAME_SAMPLES)


@pytest.mark.parametrize("beginnings", [BEGINNINGS[:1], BEGINNINGS])
@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
def test_each_session_hears_what_a_reader_of_its_own_does(
    networks: Networks, speech: NDArray[np.int16], beginnings: tuple[int, ...], ahead: int
) -> None:
    hearing = Hearing(networks.encoder, networks.lips, len(beginnings), ahead)
    readers, easings = {}, {}
    spoken = 0.0
    for step in range(FRAMES):
        sounds = np.stack([speech[step + 13 * who] for who in range(len(beginnings))])
        for who, beginning in enumerate(beginnings):
            if step == beginning:
                hearing.reset(who)
                readers[who] = LipReader(networks.encoder, networks.lips, ahead)
                easings[who] = RestEasing()
        gains = np.ones(len(beginnings), np.float32)
        for who, easing in easings.items():
            gains[who] = easing.push(sounds[who : who + 1])[0]
        with torch.inference_mode():
            codes = hearing(torch.from_numpy(sounds), torch.from_numpy(gains)).numpy()
        for who, reader in readers.items():
            expected = reader.push(sounds[who])
            np.testing.assert_allclose(codes[who], expected, atol=1e-4)
            spoken = max(spoken, np.abs(expected).max())
            assert codes[who].any() == expected.any()
    assert spoken > 1


def test_state_stays_where_it_is(networks: Networks) -> None:
    """A CUDA graph knows its tensors by their addresses."""
    hearing = Hearing(networks.encoder, networks.lips, 2, 2)
    before = [buffer.data_ptr() for buffer in hearing.buffers()]
    hearing(torch.ones(2, FRAME_SAMPLES, dtype=torch.int16), torch.ones(2))
    hearing.reset(1)
    assert [buffer.data_ptr() for buffer in hearing.buffers()] == before


def test_the_networks_may_be_compiled(networks: Networks, speech: NDArray[np.int16]) -> None:
    plain, compiled = (Hearing(networks.encoder, networks.lips, 2, 1) for _ in range(2))
    compiled.compile_by(lambda network, like: torch.export.export(network, like).module())
    for sounds in speech[:FRAMES].reshape(-1, 2, FRAME_SAMPLES):
        given = torch.from_numpy(sounds), torch.ones(2)
        torch.testing.assert_close(compiled(*given), plain(*given))
    compiled.reset(0)
    assert not compiled(*given)[0].any()
