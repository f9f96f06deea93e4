"""The mouth plate: where teeth lie, and what the jaw does to them."""

from __future__ import annotations

import numpy as np

from realtime.face import MOUTH_WINDOW
from realtime.mouth_plate import default_denture, fit_denture, mouth_light
from tests.faces import drawn_face

LIGHT = np.ones(3, np.float32)
ROWS, COLUMNS = MOUTH_WINDOW


def test_upper_teeth_end_just_below_the_lip_line() -> None:
    plate = fit_denture(default_denture(), drawn_face(), LIGHT)
    upper = plate.upper[:, 126, :3].astype(int)
    enamel = np.flatnonzero((upper.min(-1) > 150) & (plate.upper[:, 126, 3] > 128))
    assert 176 < enamel.max() <= 181
    assert enamel.min() < 172


def test_gum_goes_on_above_the_teeth_so_that_no_dark_gap_opens() -> None:
    plate = fit_denture(default_denture(), drawn_face(), LIGHT)
    assert (plate.upper[145:176, 110:146, 3] > 190).all()


def test_the_jaw_lowers_the_lower_teeth_and_only_them() -> None:
    plate = fit_denture(default_denture(), drawn_face(), LIGHT)
    shut, opened = plate.compose(MOUTH_WINDOW, 0.0), plate.compose(MOUTH_WINDOW, 20.0)
    above = slice(0, 160 - ROWS.start)
    assert np.array_equal(shut[above], opened[above])
    below = opened[186 - ROWS.start :]
    assert below[..., 1].max() > 0.5, "lower teeth stand below the opening"
    middle = opened[186 - ROWS.start, 128 - COLUMNS.start]
    assert middle.max() < 0.35, "it is dark between the rows of teeth"


def test_dim_light_makes_dim_teeth() -> None:
    points = drawn_face()
    bright = np.full((256, 256, 3), 190, np.uint8)
    assert mouth_light(bright // 2, points).mean() < 0.6 * mouth_light(bright, points).mean()
