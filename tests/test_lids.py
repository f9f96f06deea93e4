"""Painted lids: over the eyes alone, as far as they are shut, of skin and lashes."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.face import eye_centres
from realtime.lids import Lids
from tests.faces import drawn_face

SKIN, IRIS = (200, 150, 120), (40, 30, 20)


def lids_of_dark_eyes(worn: float = 0.0) -> Lids:
    crop = np.full((256, 256, 3), SKIN, np.uint8)
    for x, y in np.round(eye_centres(drawn_face())).astype(int):
        crop[y - 4 : y + 4, x - 10 : x + 10] = IRIS
    return Lids(crop, drawn_face(), np.full((256, 256), worn, np.float32))


@pytest.mark.parametrize("eye", [0, 1])
@pytest.mark.parametrize("amount", [0.5, 1.0])
def test_a_lid_is_skin_that_ends_in_lashes(eye: int, amount: float) -> None:
    lid = lids_of_dark_eyes().shut(amount)[eye]
    assert lid.flow is None
    assert lid.matte.max() > 0.99
    assert not lid.matte[-12:].any()
    whole = lid.inside[lid.matte > 0.95]
    assert np.median(whole[:, 0]) == pytest.approx(SKIN[0] / 255, abs=0.1)
    assert whole[:, 0].min() < 0.75 * SKIN[0] / 255


def test_lids_come_down_with_the_eyes() -> None:
    lids = lids_of_dark_eyes()
    covered = [sum(lid.matte.sum() for lid in lids.shut(amount)) for amount in (0.1, 0.3, 0.6, 1)]
    assert covered == sorted(covered)


def test_lids_lie_behind_glasses() -> None:
    assert not any(lid.matte.any() for lid in lids_of_dark_eyes(worn=1.0).shut(1.0))
