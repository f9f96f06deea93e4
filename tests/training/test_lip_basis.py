"""The basis: exact on motion of few dimensions, still above the nose, and zero is rest."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.models.lip_code import CODES, LANDMARKS
from realtime.training.lip_basis import Array, LipBasis, fit_basis, taper

_SOURCE = 20


@pytest.fixture
def mean() -> Array:
    face = np.zeros((LANDMARKS, 3), np.float32)
    face[:, 1] = np.linspace(-0.5, 2.0, LANDMARKS)
    return face


@pytest.fixture
def source() -> Array:
    return np.random.default_rng(0).normal(0, 1, (_SOURCE, LANDMARKS, 3)).astype(np.float32)


def _fit(mean: Array, source: Array, rank: int) -> tuple[LipBasis, Array]:
    rng = np.random.default_rng(1)
    mixing = rng.normal(0, 1, (rank, _SOURCE))
    speakers = [(rng.normal(0, 1, (n, rank)) @ mixing).astype(np.float32) for n in (400, 50)]
    return fit_basis(speakers, mean, source, np.arange(300, 340)), speakers[1]


def test_motion_of_few_dimensions_is_kept_exactly(mean: Array, source: Array) -> None:
    basis, motion = _fit(mean, source, rank=CODES)
    moved = np.tensordot(motion @ basis.encode, basis.basis, 1)
    expected = np.tensordot(motion, source, 1) * taper(mean)[:, None]
    np.testing.assert_allclose(moved, expected, atol=2e-3)


def test_nothing_moves_above_the_nose_and_rest_is_zero(mean: Array, source: Array) -> None:
    basis, _ = _fit(mean, source, rank=CODES)
    above = mean[:, 1] < 0.3
    assert not basis.basis[:, above].any()
    assert np.abs(basis.basis[:, mean[:, 1] > 1]).min(0).max() > 0
    assert not (np.zeros(_SOURCE, np.float32) @ basis.encode).any()


def test_gap_and_width_are_those_of_the_landmarks(mean: Array, source: Array) -> None:
    basis, motion = _fit(mean, source, rank=4)
    code = motion @ basis.encode
    moved = np.tensordot(code, basis.basis, 1)
    np.testing.assert_allclose(code @ basis.gap, moved[:, 14, 1] - moved[:, 13, 1], atol=1e-3)
    np.testing.assert_allclose(code @ basis.width, moved[:, 291, 0] - moved[:, 61, 0], atol=1e-3)


def test_the_taper_rises_smoothly(mean: Array) -> None:
    rise = np.diff(taper(mean))
    assert (rise >= 0).all()
    assert rise.max() < 0.02
