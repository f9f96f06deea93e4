"""Sync: a known shift is found, the head's turns are taken out, short clips are refused."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.measure.sync import Track, Verdicts, embed, face_on, judge, sync
from realtime.models.syncnet import SyncNet
from tests.faces import drawn_face

WINDOWS = 100


def _track(hops_late: int) -> Track:
    """Lips that belong to the sound `hops_late` before them."""
    sound = np.random.default_rng(0).normal(size=(4 * WINDOWS, 64)).astype(np.float32)
    sound /= np.linalg.norm(sound, axis=1, keepdims=True)
    lips = np.roll(sound, hops_late, 0)[::4]
    return Track(lips, sound, np.ones(len(sound), bool))


@pytest.mark.parametrize("hops", [-30, -7, 0, 12])
def test_a_known_shift_is_found(hops: int) -> None:
    found = sync(_track(hops))
    assert found.offset_ms == 10 * hops
    assert found.confidence > 0.7


def test_a_short_clip_is_refused() -> None:
    track = _track(0)
    with pytest.raises(ValueError, match="2 s or more"):
        sync(Track(track.lips[:10], track.sound[:40], track.spoken[:40]))
    with pytest.raises(ValueError, match="as much sound"):
        embed(SyncNet(), np.zeros((10, 478, 2), np.float32), np.zeros(640, np.int16))


def test_a_head_that_turns_and_nears_is_laid_still() -> None:
    face = np.column_stack([drawn_face(), np.linspace(-30, 30, 478)]).astype(np.float32)
    track = []
    for angle in (0.0, 0.1, -0.2):
        turn = np.array(
            [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        )
        track.append((1 + angle) * face @ turn.T + 40 * angle)
    laid = face_on(np.array(track, np.float32))
    np.testing.assert_allclose(laid[1:], np.broadcast_to(laid[0], laid[1:].shape), atol=0.05)


def test_verdicts_count_both_kinds_alike() -> None:
    verdicts = Verdicts(np.array([0.9, 0.1]), np.array([0.2, 0.0]))
    assert verdicts.accuracy(0.5) == 0.75
    assert verdicts.pairs() == 1.0


def test_lips_out_of_step_are_judged_where_they_fit() -> None:
    verdicts = judge([_track(12)], np.random.default_rng(0))
    assert len(verdicts.own) == WINDOWS - 3
    assert verdicts.own.min() > 0.99
    assert verdicts.other.max() < 0.7


def test_a_run_is_judged_by_its_mean() -> None:
    one, five = (judge([_track(0)], np.random.default_rng(0), run) for run in (1, 5))
    assert len(five.own) == len(one.own) - 4
    assert five.own.min() > 0.99
    assert five.other.std() < one.other.std() / 1.5
