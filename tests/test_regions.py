"""The twelve regions."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.regions import COLOURS, REGIONS, Region, one_hot, paint


def test_every_region_has_a_colour_of_its_own() -> None:
    assert len({tuple(colour) for colour in COLOURS}) == REGIONS == 12


def test_one_hot_and_paint_agree_with_the_ids() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    soft = one_hot(mask)
    assert soft.shape == (12, 3, 4)
    assert np.array_equal(soft.argmax(0), mask)
    assert (soft.sum(0) == 1).all()
    assert tuple(paint(mask)[1, 3]) == tuple(COLOURS[Region.MOUTH])


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(IndexError):
        paint(np.full((2, 2), 12, np.uint8))
