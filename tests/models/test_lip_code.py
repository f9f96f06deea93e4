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
    LOWER_LIP,
    PAST_FRAMES,
    SLOTS,
    TOLD,
    UPPER_LIP,
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


def _heard(window: torch.Tensor, ahead: int, **phones: float) -> torch.Tensor:
    """The window, its newest frame sure of these phones at the frame that is shown."""
    window = window.clone()
    first = SMALL.features + 1 + ahead * len(PHONES)
    posterior = window[PAST_FRAMES + ahead, first : first + len(PHONES)]
    posterior[:] = 0
    for phone, share in phones.items():
        posterior[PHONES.index(phone)] = share
    return window


def _gap(decoder: LipDecoder, code: torch.Tensor) -> float:
    moved = decoder.landmarks(code)
    return float(moved[LOWER_LIP, 1] - moved[UPPER_LIP, 1])


@pytest.mark.parametrize("ahead", [0, 1, 2, 3])
def test_a_certain_p_shuts_the_lips_and_others_do_not(decoder: LipDecoder, ahead: int) -> None:
    present = torch.arange(SLOTS) <= PAST_FRAMES + ahead
    windows = [torch.randn(SLOTS, SMALL.outputs) for _ in range(8)]
    opened = 0
    for window in windows:
        vowel, p = (_heard(window, ahead, **{phone: 1.0}) for phone in ("AA", "P"))
        free = decoder.estimate(vowel, present) * decoder.gain
        torch.testing.assert_close(decoder(vowel, present), free)
        shut = decoder(p, present)
        assert _gap(decoder, shut) <= 1e-4
        opened += _gap(decoder, decoder.estimate(p, present) * decoder.gain) > 0.01
        assert shut.abs().sum() > 0
    assert opened


def test_doubt_shuts_the_lips_rather_at_consonants(decoder: LipDecoder) -> None:
    present = torch.arange(SLOTS) <= PAST_FRAMES
    window = torch.randn(SLOTS, SMALL.outputs)
    at_vowel, at_consonant = (
        float(decoder.closing(decoder.told(heard, present)[CODES:]))
        for heard in (_heard(window, 0, M=0.1, **{rival: 0.9}) for rival in ("AA", "N"))
    )
    assert at_vowel < 0.5 < at_consonant


def test_a_filmed_speaker_is_shut_by_less_doubt_only(decoder: LipDecoder) -> None:
    present = torch.arange(SLOTS) <= PAST_FRAMES
    window = torch.randn(SLOTS, SMALL.outputs)
    wide = decoder.basis[:, LOWER_LIP, 1] - decoder.basis[:, UPPER_LIP, 1]
    habit = torch.cat([torch.zeros(CODES, CODES), wide[None]])
    heard = (_heard(window, 0, M=share, AA=1 - share) for share in (0, 1 / 9, 0.8))
    gaps = np.array([_gap(decoder, decoder(each, present, habit)) for each in heard])
    np.testing.assert_allclose(gaps / _gap(decoder, wide), [1, 0.94, 0.02], atol=0.01)


def test_a_tuned_habit_moves_the_lips_at_its_phone_alone(decoder: LipDecoder) -> None:
    present = torch.arange(SLOTS) <= PAST_FRAMES
    window = torch.randn(SLOTS, SMALL.outputs)
    untuned, tuned = torch.eye(CODES + 1, CODES), torch.eye(TOLD + 1, CODES)
    tuned[CODES + PHONES.index("UW")] = 1
    at_oo, at_ah = (_heard(window, 0, **{phone: 1.0}) for phone in ("UW", "AH"))
    moved = decoder(at_oo, present, tuned) - decoder(at_oo, present, untuned)
    torch.testing.assert_close(moved, torch.ones(CODES))
    torch.testing.assert_close(decoder(at_ah, present, tuned), decoder(at_ah, present, untuned))


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
    gains = np.stack([easing.push(frame) for frame in sound.reshape(-1, 1, FRAME_SAMPLES)])
    heard, _ = encoder(torch.from_numpy(log_mel(sound))[None], encoder.start())
    whole = decoder(*windows(heard.e, torch.tensor([ahead])))[0].numpy()
    expected = whole[: FRAMES - ahead] * gains[ahead:]
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
