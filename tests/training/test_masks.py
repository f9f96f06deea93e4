"""Mask training: pairs that agree where nothing was lost, and a step in the right direction."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.models.tsg import MaskNet
from realtime.models.weights import load_weights
from realtime.regions import REGIONS, Region
from realtime.training import masks
from realtime.training.masks import MaskPairs, errors, mask_loss, region_weights
from tests.training.test_pictures import drawn_motions, drawn_photo


def drawn_pairs(kept: float) -> MaskPairs:
    """Pairs whose code keeps this share of the motion."""
    motions = drawn_motions()
    return MaskPairs([drawn_photo()], motions, kept * motions.basis, seed=0)


def test_a_code_that_loses_nothing_draws_the_true_opening() -> None:
    pair = drawn_pairs(1.0).draw(np.random.default_rng(1))
    np.testing.assert_allclose(pair.first[Region.MOUTH], pair.truth[Region.MOUTH], atol=1e-5)
    assert pair.truth[Region.MOUTH].sum() > 50


def test_errors_see_what_the_code_lost() -> None:
    network = MaskNet()
    lossless, lossy = (errors(network, drawn_pairs(kept), 3) for kept in (1.0, 0.5))
    assert lossless["first_opening_px"] < 1
    assert lossy["first_opening_px"] > 50
    assert lossy["refined_wrong"] == pytest.approx(lossy["first_wrong"], abs=1e-3)


def test_rare_regions_weigh_more() -> None:
    weights = region_weights([drawn_photo()])
    assert weights.shape == (REGIONS,)
    assert weights[Region.UPPER_LIP] > weights[Region.SKIN]


def test_a_step_lowers_the_loss() -> None:
    torch.manual_seed(0)
    network = MaskNet()
    pair = drawn_pairs(0.5).draw(np.random.default_rng(1))
    batch = {
        name: torch.from_numpy(getattr(pair, name))[None] for name in ("rest", "first", "truth")
    }
    weights = torch.ones(REGIONS)
    adam = torch.optim.Adam(network.parameters(), 2e-3)
    before = mask_loss(network, batch, weights)
    for _ in range(4):
        adam.zero_grad()
        mask_loss(network, batch, weights).backward()  # type: ignore[no-untyped-call]
        adam.step()
    assert mask_loss(network, batch, weights) < before


def test_training_writes_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "load_pairs", lambda *_, **__: drawn_pairs(0.5))
    monkeypatch.setattr(masks, "_BATCH", 1)
    seconds: Iterator[float] = map(float, itertools.count())
    path = masks.train(tmp_path, tmp_path, minutes=2.5 / 60, seed=0, now=seconds.__next__)
    weights = load_weights(path)
    assert weights.config("masks") == {"seed": 0, "steps": 2}
    weights.restore("masks", MaskNet())
