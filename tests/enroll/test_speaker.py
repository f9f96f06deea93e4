"""The speaker of a video: rest, place and motion, whatever the head does meanwhile."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.enroll.filmed import encoded, habit_of, in_step
from realtime.enroll.speaker import study
from realtime.face import LANDMARKS, Points
from realtime.rigid import Similarity
from tests.faces import drawn_face


def head(gap: float) -> Points:
    face = drawn_face(gap)
    depth = np.square((face[:, :1] - 128) / 40)
    return np.concatenate([face, depth], 1)


def place(angle: float) -> Similarity:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    return Similarity(1.3 * turn, np.array([40.0, 30, 0]))


def film() -> np.ndarray:
    """Lips from closed to 24 px apart while the head turns."""
    return np.stack(
        [place(0.01 * n)(head(gap)) for n, gap in enumerate(np.linspace(0, 24, 30))]
    ).astype(np.float32)


def test_motion_is_that_of_the_lips_and_not_of_the_head() -> None:
    track = film()
    speaker = study(track)
    gaps = [speaker.motion(face)[14, 1] - speaker.motion(face)[13, 1] for face in track]
    np.testing.assert_allclose(gaps, np.linspace(0, 24, 30) / 76.8, atol=0.02)


def test_the_resting_face_stands_where_the_head_is_and_speaks_as_told() -> None:
    track = film()
    speaker = study(track)
    resting = speaker.resting(track[20])
    np.testing.assert_allclose(resting[33], track[20][33], atol=1)
    assert resting[14, 1] - resting[13, 1] < 1.5
    again = speaker.speaking(track[20], speaker.motion(track[20]))
    np.testing.assert_allclose(again, track[20], atol=1e-3)


def test_motion_made_of_codes_gives_the_codes() -> None:
    random = np.random.default_rng(0)
    basis = random.normal(size=(16, LANDMARKS, 3)).astype(np.float32)
    codes = random.normal(size=(4, 16)).astype(np.float32)
    found = encoded(np.tensordot(codes, basis, 1), basis)
    np.testing.assert_allclose(found, codes, atol=1e-3)


def test_a_habit_is_found_again_and_little_evidence_changes_little() -> None:
    random = np.random.default_rng(0)
    basis = np.zeros((16, LANDMARKS, 3), np.float32)
    basis[:, 300:400, :2] = 0.01 * random.normal(size=(16, 100, 2))
    heard = random.normal(size=(3000, 16)).astype(np.float32)
    speaker = study(film())
    codes = 0.5 * heard + 0.2
    places = np.stack([place(0.1)(speaker.rest + np.tensordot(code, basis, 1)) for code in codes])
    many = habit_of(speaker, places.astype(np.float32), heard, basis)
    few = habit_of(speaker, places[:10].astype(np.float32), heard[:10], basis)
    np.testing.assert_allclose(many[:-1], 0.55 * np.eye(16), atol=0.05)
    np.testing.assert_allclose(many[-1], 0.2, atol=0.05)
    assert np.abs(few[:-1] - np.eye(16)).max() < 0.1


@pytest.mark.parametrize(("early_ms", "first"), [(0, 1), (100, 1601), (-20, 0)])
def test_an_early_picture_hears_what_comes_later(early_ms: int, first: int) -> None:
    sound = np.arange(1, 5 * 640 + 1).astype(np.int16)
    heard = in_step(sound, early_ms, 5)
    assert len(heard) >= 5 * 640
    assert heard[0] == first
