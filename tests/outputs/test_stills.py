from __future__ import annotations

import numpy as np
import pytest

from realtime.outputs.stills import be_right_back, letterbox


@pytest.mark.parametrize(
    ("size", "columns", "rows"),
    [((128, 72), slice(28, 100), slice(0, 72)), ((60, 120), slice(0, 60), slice(30, 90))],
)
def test_a_picture_stands_whole_in_the_middle(
    size: tuple[int, int], columns: slice, rows: slice
) -> None:
    boxed = letterbox(np.full((50, 50, 3), 200, np.uint8), size)
    expected = np.zeros((size[1], size[0], 3), np.uint8)
    expected[rows, columns] = 200
    assert np.array_equal(boxed, expected)


def test_a_picture_that_fits_is_not_copied() -> None:
    image = np.zeros((72, 128, 3), np.uint8)
    assert letterbox(image, (128, 72)) is image


@pytest.mark.parametrize("size", [(512, 512), (1280, 720)])
def test_the_pause_is_dark_with_bright_words_inside_it(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 180, np.uint8)
    still = be_right_back(image)
    words = still.min(axis=2) > 200
    rows, columns = np.flatnonzero(words.any(1)), np.flatnonzero(words.any(0))
    assert still.shape == image.shape
    assert np.median(still) == 60
    assert np.all(image == 180)
    assert abs(rows.mean() - size[1] / 2) < size[1] / 20
    assert abs(np.ptp(columns) - size[0] / 2) < size[0] / 20
