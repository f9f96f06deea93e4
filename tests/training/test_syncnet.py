"""Training the SyncNet: what the contrast asks for, and how other people's lips are made."""

from __future__ import annotations

import numpy as np
import torch

from realtime.models.syncnet import CHANNELS, SIZE
from realtime.models.weights import load_weights
from realtime.training.speech_batches import Source
from realtime.training.speech_corpus import Recording
from realtime.training.syncnet import (
    Examples,
    Trained,
    Windows,
    contrast,
    draw_windows,
    in_step,
    telling,
)
from tests.faces import drawn_face

SHARPNESS = torch.tensor(20.0)


def _windows(known: torch.Tensor, silent: torch.Tensor) -> Windows:
    return Windows(torch.zeros(0), torch.zeros(0), known, silent)


def _vectors() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(2, 12, 64), dim=2)


def test_the_right_sound_costs_less_than_another() -> None:
    windows = _windows(torch.ones(2, 12, dtype=torch.bool), torch.zeros(2, 12, dtype=torch.bool))
    own = _vectors()
    assert contrast(own, own, windows, SHARPNESS) < 0.01
    assert contrast(own, own.roll(4, 1), windows, SHARPNESS) > 5


def test_neighbours_silences_and_unknown_motion_cost_nothing() -> None:
    known = torch.ones(2, 12, dtype=torch.bool)
    silent = torch.zeros(2, 12, dtype=torch.bool)
    own = _vectors()
    own[0, 1] = own[0, 0]
    own[1, 9] = own[0, 5]
    assert contrast(own, own, _windows(known, silent), SHARPNESS) > 0.05
    silent[0, 5] = silent[1, 9] = True
    assert contrast(own, own, _windows(known, silent), SHARPNESS) < 0.01
    wrong = own.clone()
    wrong[1, 3] = -own[1, 3]
    known[1, 3] = False
    assert contrast(wrong, own, _windows(known, silent), SHARPNESS) < 0.01


def test_own_sounds_are_told_from_far_ones_alone() -> None:
    known = torch.ones(2, 12, dtype=torch.bool)
    silent = torch.zeros(2, 12, dtype=torch.bool)
    silent[1] = True
    windows, own, bias = _windows(known, silent), _vectors(), torch.tensor(10.0)
    right = telling(own, own, windows, SHARPNESS, bias)
    assert right < 0.1
    near, far = own.clone(), own.clone()
    near[0, 5] = own[0, 0]
    far[0, 11] = own[0, 0]
    other = own.clone()
    other[1] = -own[1]
    assert telling(near, far, windows, SHARPNESS, bias) > right + 0.3
    assert telling(other, own, windows, SHARPNESS, bias) == right


def test_the_threshold_is_where_telling_is_undecided() -> None:
    trained = Trained(load_weights())
    with torch.no_grad():
        trained.bias.fill_(3.0)
    threshold = trained.calibrated().threshold
    torch.testing.assert_close(trained.log_scale.exp() * threshold, trained.bias)


def test_windows_know_their_motion_and_their_silence() -> None:
    rng = np.random.default_rng(0)
    motion = rng.normal(0, 0.1, (900, 16)).astype(np.float16)
    motion[np.arange(900) % 100 < 4] = np.nan
    phone = np.where(np.arange(900) % 200 < 100, 0, 5).astype(np.uint8)
    mel = rng.normal(-8, 3, (900, 80)).astype(np.float16)
    recording = Recording("r", mel, phone, motion, [("a", 100, 700)])
    basis = rng.normal(0, 0.01, (16, 478, 3)).astype(np.float32)
    data = Examples([Source([recording], 1.0)], basis, np.ones(16, np.float32), [drawn_face()])
    drawn = draw_windows(np.random.default_rng(1), data, 2)
    again = draw_windows(np.random.default_rng(1), data, 2)
    frames = drawn.masks.shape[1]
    assert drawn.masks.shape == (2, frames, CHANNELS, SIZE, SIZE)
    whole = drawn.masks.float().sum(2)
    torch.testing.assert_close(whole, torch.full((2, frames, SIZE, SIZE), 255.0), atol=3, rtol=0)
    assert torch.equal(drawn.masks, again.masks)
    assert drawn.known.shape == drawn.silent.shape == (2, frames - 4)
    assert 0 < drawn.known.float().mean() < 1
    assert 0 < drawn.silent.float().mean() < 1


def test_early_pictures_are_laid_where_their_sound_is() -> None:
    early, name = 5, "whitehouse_obama__wh_obama_3"
    motion = np.arange(60, dtype=np.float16)[:, None].repeat(16, 1)
    clips = [("grid", 0, 20), (name, 30, 20)]
    mel, phone = np.zeros((60, 80), np.float16), np.zeros(60, np.uint8)
    recording = Recording("r", mel, phone, motion, clips, anchored=True)
    laid = in_step(recording)
    assert laid.clips == [("grid", 0, 20), (name, 30 + early, 20 - early)]
    np.testing.assert_array_equal(laid.motion[:20], motion[:20])
    assert np.isnan(laid.motion[30:35]).all()
    np.testing.assert_array_equal(laid.motion[35:50], motion[30:45])
