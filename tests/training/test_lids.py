"""Painted lids: over the eye alone, as far as it is shut, of skin and lashes."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.face import EYES_WINDOW, close_eyes, eye_centres
from realtime.training.lids import make_lids
from tests.faces import drawn_face

SKIN, IRIS = (200, 150, 120), (40, 30, 20)


def face_with_dark_eyes() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    crop = np.full((256, 256, 3), SKIN, np.uint8)
    for x, y in np.round(eye_centres(drawn_face())).astype(int):
        crop[y - 4 : y + 4, x - 10 : x + 10] = IRIS
    return crop


def test_open_eyes_are_not_covered() -> None:
    rest = drawn_face()
    assert not make_lids(face_with_dark_eyes(), rest, rest, EYES_WINDOW).share.any()


@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_a_lid_is_skin_that_ends_in_lashes(amount: float) -> None:
    rest = drawn_face()
    lids = make_lids(face_with_dark_eyes(), rest, close_eyes(rest, amount), EYES_WINDOW)
    assert lids.share.max() == 1
    assert not lids.share[-12:].any()
    whole = lids.colour[lids.share > 0.95]
    assert np.median(whole[:, 0]) == pytest.approx(SKIN[0] / 255, abs=0.1)
    assert whole[:, 0].min() < 0.7 * SKIN[0] / 255


def test_a_lid_comes_down_with_the_eye() -> None:
    rest = drawn_face()
    covered = [
        make_lids(face_with_dark_eyes(), rest, close_eyes(rest, amount), EYES_WINDOW).share.sum()
        for amount in (0.0, 0.3, 0.6, 1.0)
    ]
    assert covered == sorted(covered)
