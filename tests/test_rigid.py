"""Rigid heads: a similarity is found again, and what all frames share."""

from __future__ import annotations

import numpy as np

from realtime.rigid import Similarity, common, similarity


def turned(angle: float, scale: float) -> Similarity:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    return Similarity(scale * turn, np.array([5.0, -3, 2]))


def test_a_similarity_is_found_again_and_undone() -> None:
    points = np.random.default_rng(0).normal(size=(9, 3))
    true = turned(0.4, 2.5)
    found = similarity(points, true(points))
    np.testing.assert_allclose(found.linear, true.linear, atol=1e-9)
    np.testing.assert_allclose(found.inverse()(true(points)), points, atol=1e-9)
    np.testing.assert_allclose(found.turn() @ found.turn().T, np.eye(3), atol=1e-9)


def test_what_is_common_is_the_shape_without_the_turns() -> None:
    shape = np.random.default_rng(1).normal(size=(6, 3))
    track = np.stack([turned(angle, 1 + angle)(shape) for angle in (0, 0.2, -0.3)])
    found = common(track)
    laid = similarity(shape, found)(shape)
    np.testing.assert_allclose(laid, found, atol=1e-9)
