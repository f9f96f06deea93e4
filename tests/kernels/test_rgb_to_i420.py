"""RGB to I420 against the formula, and against the library that shows it."""

from __future__ import annotations

import av
import numpy as np
import pytest

from kernels.rgb_to_i420 import rgb_to_i420


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (50, 34), (64, 128)])
def test_agrees_with_the_formula(size: tuple[int, int]) -> None:
    image = np.random.default_rng(size[0]).integers(0, 256, (*size, 3), np.uint8)
    found, expected = (rgb_to_i420(image, impl=impl) for impl in ("auto", "reference"))
    assert found.shape == expected.shape == (size[0] * 3 // 2, size[1])
    assert found.dtype == expected.dtype == np.uint8
    wrong = np.abs(found.astype(int) - expected)
    assert wrong[: size[0]].max() <= 1
    assert wrong[size[0] :].max() <= 2


def test_black_white_and_the_purest_colours_reach_the_ranges_ends() -> None:
    def planes(*colour: int) -> list[int]:
        luma, _, chroma = rgb_to_i420(np.full((2, 2, 3), colour, np.uint8))
        return [int(luma[0]), *map(int, chroma)]

    assert planes(0, 0, 0) == [16, 128, 128]
    assert planes(255, 255, 255) == [235, 128, 128]
    assert planes(0, 0, 255)[1] == planes(255, 0, 0)[2] == 240


def test_a_player_shows_the_picture() -> None:
    smooth = np.add.outer(np.arange(40), np.arange(60)) * 2
    image = np.dstack([smooth, smooth[::-1], 255 - smooth]).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb_to_i420(image), format="yuv420p")
    shown = frame.to_ndarray(format="rgb24").astype(int)
    assert np.abs(shown - image).max() <= 6
