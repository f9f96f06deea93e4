"""Training the speech part: what the losses ask for, and that a broken run goes on unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from rich.progress import Progress
from torch import Tensor

from realtime.audio.mel import BANDS
from realtime.models.audio_encoder import HINDSIGHTS, PHONES
from realtime.models.lip_code import CODES, LANDMARKS
from realtime.models.weights import load_weights
from realtime.training import speech
from realtime.training.lip_basis import LipBasis
from realtime.training.speech_batches import Batch, Source, draw
from realtime.training.speech_corpus import Recording

FRAMES = 20


@pytest.fixture
def basis() -> LipBasis:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 0.1, (CODES, LANDMARKS, 3)).astype(np.float32)
    return LipBasis(points, np.eye(48, CODES, dtype=np.float32))


@pytest.fixture
def corpus(basis: LipBasis) -> speech.Corpus:
    rng = np.random.default_rng(1)
    mel = rng.normal(-8, 3, (800, BANDS)).astype(np.float16)
    phone = rng.integers(0, len(PHONES), 800).astype(np.uint8)
    motion = rng.normal(0, 0.3, (800, CODES)).astype(np.float16)
    recording = Recording("r", mel, phone, motion, [("a", 50, 700)])
    return speech.Corpus([Source([recording], 1.0)], basis, recording, [recording])


def _batch(motion: Tensor, phone: Tensor) -> Batch:
    return Batch(torch.zeros(0), phone, phone, motion)


def test_the_phone_heads_are_asked_for_frames_ever_longer_ago(basis: LipBasis) -> None:
    losses = speech.Losses(basis, torch.device("cpu"))
    phone = torch.randint(len(PHONES), (2, FRAMES))
    behind = [phone.roll(head, 1) for head in range(HINDSIGHTS)]
    right = torch.nn.functional.one_hot(torch.stack(behind, 2), len(PHONES)).float() * 20
    unshifted = torch.nn.functional.one_hot(phone, len(PHONES)).float()[:, :, None] * 20
    assert losses.phones(right, phone) < 1.0
    assert losses.phones(unshifted.expand(-1, -1, HINDSIGHTS, -1), phone) > 5.0


def test_unknown_phones_cost_nothing(basis: LipBasis) -> None:
    losses = speech.Losses(basis, torch.device("cpu"))
    phone = torch.randint(len(PHONES), (2, FRAMES))
    logits = torch.randn(2, FRAMES, HINDSIGHTS, len(PHONES))
    both = torch.cat([phone, torch.full_like(phone, 255)])
    torch.testing.assert_close(
        losses.phones(torch.cat([logits, torch.randn_like(logits)]), both),
        losses.phones(logits, phone),
    )


def test_the_right_motion_costs_nothing_and_an_open_p_costs_most(basis: LipBasis) -> None:
    losses = speech.Losses(basis, torch.device("cpu"))
    motion = torch.randn(1, FRAMES, CODES)
    motion[0, 7] = torch.nan
    phone = torch.full((1, FRAMES), PHONES.index("AA"))
    phone[0, 3] = PHONES.index("P")
    batch = _batch(motion, phone)
    assert losses.motion(motion.nan_to_num(), batch) == 0
    wrong = [motion.nan_to_num() for _ in range(2)]
    wrong[0][0, 3] += 1
    wrong[1][0, 12] += 1
    at_p, at_vowel = (losses.motion(code, batch) for code in wrong)
    assert at_p > 1.5 * at_vowel > 0


def test_calibration_makes_up_for_damped_motion_but_not_without_end(
    corpus: speech.Corpus,
) -> None:
    networks = speech.new_networks(corpus)
    speech.calibrate(networks, corpus.held, corpus.unseen)
    assert (networks.lips.gain >= 1).all()
    damped = networks.lips.gain.clone()
    networks.lips.scale.mul_(100)
    speech.calibrate(networks, corpus.held, corpus.unseen)
    torch.testing.assert_close(networks.lips.gain, torch.ones(CODES))
    networks.lips.scale.div_(1e5)
    speech.calibrate(networks, corpus.held, corpus.unseen)
    assert networks.lips.gain[1:].tolist() == [1.5] * (CODES - 1)
    assert 1 < networks.lips.gain[0] < 1.5
    assert (damped <= networks.lips.gain).all()


def test_a_broken_run_goes_on_as_if_unbroken(
    tmp_path: Path, corpus: speech.Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_corpus(_data: Path, _progress: Progress) -> speech.Corpus:
        return corpus

    monkeypatch.setattr(speech, "read_corpus", small_corpus)
    monkeypatch.setattr(speech, "_BATCH", 2)
    monkeypatch.setattr(speech, "_SAVE_EVERY", 2)
    whole = speech.train(tmp_path, tmp_path / "whole", steps=4, seed=5)

    drawn = 0

    def cut_off(rng: np.random.Generator, sources: list[Source], size: int) -> Batch:
        nonlocal drawn
        drawn += 1
        if drawn == 4:
            raise InterruptedError
        return draw(rng, sources, size)

    monkeypatch.setattr(speech, "draw", cut_off)
    with pytest.raises(InterruptedError):
        speech.train(tmp_path, tmp_path / "broken", steps=4, seed=5)
    resumed = speech.train(tmp_path, tmp_path / "broken", steps=4, seed=5, resume=True)
    first, second = load_weights(whole), load_weights(resumed)
    assert first.digest == second.digest
    assert first.config("speech") == {"seed": 5, "steps": 4}
    assert set(first.configs) == {"encoder", "lips", "speech"}
