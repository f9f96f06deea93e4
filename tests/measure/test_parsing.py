from __future__ import annotations

import numpy as np
import pytest

from realtime.measure.parsing import outline_f


def disc(x: int, radius: int = 30) -> np.ndarray:
    rows, columns = np.mgrid[:100, :100]
    return np.asarray((columns - x) ** 2 + (rows - 50) ** 2 < radius**2)


@pytest.mark.parametrize(("shift", "least", "most"), [(0, 1, 1), (2, 0.99, 1), (8, 0.1, 0.6)])
def test_an_outline_counts_within_two_pixels(shift: int, least: float, most: float) -> None:
    assert least <= outline_f(disc(50), disc(50 + shift)) <= most


def test_an_outline_that_is_not_there_scores_nothing() -> None:
    assert outline_f(np.zeros((100, 100), bool), disc(50)) < 1e-6
