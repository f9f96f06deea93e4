"""The encoder: in pieces as whole, blind to the future, and silent before the start."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from realtime.audio.mel import BANDS, HOPS_PER_FRAME, SILENCE
from realtime.models.audio_encoder import HINDSIGHTS, PHONES, AudioEncoder, AudioEncoderConfig

SMALL = AudioEncoderConfig(stem=(12, 16), width=24, features=8)
FRAMES = 12


@pytest.fixture
def encoder() -> AudioEncoder:
    torch.manual_seed(0)
    encoder = AudioEncoder(SMALL)
    encoder.mel_mean.normal_(-8, 1)
    encoder.mel_std.uniform_(2, 3)
    return encoder.eval().requires_grad_(False)


def _mel(seed: int = 0, batch: int = 2) -> Tensor:
    values = np.random.default_rng(seed).normal(-8, 3, (batch, FRAMES * HOPS_PER_FRAME, BANDS))
    return torch.tensor(values, dtype=torch.float32)


def test_shapes_and_posteriors(encoder: AudioEncoder) -> None:
    heard, _ = encoder(_mel(), encoder.start(2))
    assert heard.e.shape == (2, FRAMES, SMALL.outputs)
    assert heard.logits.shape == (2, FRAMES, HINDSIGHTS, len(PHONES))
    posteriors = heard.e[..., SMALL.features + 1 :].reshape(heard.logits.shape)
    torch.testing.assert_close(posteriors, heard.logits.softmax(3))


@pytest.mark.parametrize("sizes", [[1] * FRAMES, [3, 1, 8], [FRAMES - 1, 1]])
def test_pieces_equal_the_whole(encoder: AudioEncoder, sizes: list[int]) -> None:
    mel = _mel()
    whole, _ = encoder(mel, encoder.start(2))
    state, pieces = encoder.start(2), []
    for piece in torch.split(mel, [size * HOPS_PER_FRAME for size in sizes], 1):
        heard, state = encoder(piece, state)
        pieces.append(heard.e)
    torch.testing.assert_close(torch.cat(pieces, 1), whole.e)


def test_later_sound_changes_nothing_before(encoder: AudioEncoder) -> None:
    mel, later = _mel(), _mel()
    later[:, 5 * HOPS_PER_FRAME :] = _mel(1)[:, 5 * HOPS_PER_FRAME :]
    before, after = (encoder(m, encoder.start(2))[0].e for m in (mel, later))
    torch.testing.assert_close(before[:, :5], after[:, :5], rtol=0, atol=0)
    assert not torch.allclose(before[:, 5], after[:, 5])


def test_the_past_before_the_start_is_silence(encoder: AudioEncoder) -> None:
    state = encoder.start(1)
    past = state.stem[0][0] * encoder.mel_std + encoder.mel_mean
    torch.testing.assert_close(past, torch.full_like(past, SILENCE))
    assert not torch.stack(state.hidden).any()


def test_rows_of_a_batch_do_not_meet(encoder: AudioEncoder) -> None:
    both, _ = encoder(_mel(), encoder.start(2))
    alone, _ = encoder(_mel()[1:], encoder.start(1))
    torch.testing.assert_close(both.e[1:], alone.e)
