"""The speaker of a video: rest, place and motion, whatever the head does meanwhile."""

from __future__ import annotations

import numpy as np

from realtime.enroll.filmed import encoded
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
