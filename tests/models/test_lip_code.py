"""Lip code: closing, lookahead, and the reader that streams it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime.audio.mel import log_mel
from realtime.audio.voice import RestEasing
from realtime.clock import FRAME_SAMPLES, Sound
from realtime.models.audio_encoder import PHONES, AudioEncoder, AudioEncoderConfig
from realtime.models.lip_code import (
    CODES,
    PAST_FRAMES,
    SLOTS,
    LipDecoder,
    LipDecoderConfig,
    LipReader,
    windows,
)

SMALL = AudioEncoderConfig(stem=(12, 16), width=24, features=8)
FRAMES = 16


@pytest.fixture
def encoder() -> AudioEncoder:
    torch.manual_seed(0)
    return AudioEncoder(SMALL).eval().requires_grad_(False)


@pytest.fixture
def decoder() -> LipDecoder:
    torch.manual_seed(1)
    decoder = LipDecoder(LipDecoderConfig(SMALL.outputs, 32))
    decoder.gain.uniform_(0.5, 1.5)
    decoder.basis.normal_()
    return decoder.eval().requires_grad_(False)


def _sound(seed: int = 0) -> Sound:
    noise = np.random.default_rng(seed).normal(0, 4000, FRAMES * FRAME_SAMPLES)
    return noise.astype(np.int16)


def _read(reader: LipReader, sound: Sound) -> np.ndarray:
    return np.stack([reader.push(frame) for frame in sound.reshape(-1, FRAME_SAMPLES)])


def test_windows_hold_what_the_lookahead_allows() -> None:
    e = torch.arange(5.0)[None, :, None].expand(2, 5, 1) + 1
    window, present = windows(e, torch.tensor([0, 3]))
    assert window[0, 2, :, 0].tolist() == [1, 2, 3, 0, 0, 0]
    assert window[1, 1, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert present[1, 1].tolist() == [False, True, True, True, True, True]
    assert present[1, 4].tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
def test_a_certain_p_closes_the_lips_and_others_do_not(decoder: LipDecoder, ahead: int) -> None:
    window = torch.randn(SLOTS, SMALL.outputs)
    present = torch.arange(SLOTS) <= PAST_FRAMES + ahead
    newest = SMALL.features + 1 + ahead * len(PHONES)
    slot = window[PAST_FRAMES + ahead]
    slot[newest : newest + len(PHONES)] = 0
    slot[newest + PHONES.index("AA")] = 1
    torch.testing.assert_close(
        decoder(window, present), decoder.estimate(window, present) * decoder.gain
    )
    slot[newest : newest + len(PHONES)] = 0
    slot[newest + PHONES.index("P")] = 1
    assert not decoder(window, present).any()


def test_landmarks_are_linear_in_the_code(decoder: LipDecoder) -> None:
    code = torch.zeros(2, CODES)
    code[1, 3] = 2
    moved = decoder.landmarks(code)
    assert not moved[0].any()
    torch.testing.assert_close(moved[1], 2 * decoder.basis[3])


@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
def test_reading_in_pieces_equals_the_whole(
    encoder: AudioEncoder, decoder: LipDecoder, ahead: int
) -> None:
    sound = _sound()
    read = _read(LipReader(encoder, decoder, ahead), sound)
    easing = RestEasing()
    gains = [easing.push(frame) for frame in sound.reshape(-1, FRAME_SAMPLES)]
    heard, _ = encoder(torch.from_numpy(log_mel(sound))[None], encoder.start())
    whole = decoder(*windows(heard.e, torch.tensor([ahead])))[0].numpy()
    expected = whole[: FRAMES - ahead] * np.array(gains[ahead:])[:, None]
    np.testing.assert_allclose(read[ahead:], expected, atol=1e-5)
    assert not read[:ahead].any()


@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
def test_nothing_before_the_horizon_changes(
    encoder: AudioEncoder, decoder: LipDecoder, ahead: int
) -> None:
    cut = 8
    sound, later = _sound(), _sound()
    later[cut * FRAME_SAMPLES :] = _sound(1)[cut * FRAME_SAMPLES :]
    first = _read(LipReader(encoder, decoder, ahead), sound)
    second = _read(LipReader(encoder, decoder, ahead), later)
    np.testing.assert_array_equal(first[:cut], second[:cut])
    assert not np.array_equal(first[cut:], second[cut:])


def test_reset_forgets_everything(encoder: AudioEncoder, decoder: LipDecoder) -> None:
    reader = LipReader(encoder, decoder, 2)
    first = _read(reader, _sound())
    reader.reset()
    np.testing.assert_array_equal(_read(reader, _sound()), first)


def test_silence_is_rest(encoder: AudioEncoder, decoder: LipDecoder) -> None:
    assert not _read(LipReader(encoder, decoder, 2), np.zeros(10 * FRAME_SAMPLES, np.int16)).any()


def test_an_impossible_lookahead_is_refused(encoder: AudioEncoder, decoder: LipDecoder) -> None:
    with pytest.raises(ValueError, match="0 to 3"):
        LipReader(encoder, decoder, 4)
