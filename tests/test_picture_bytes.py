from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.picture_bytes import claimed_size, decode, encode_jpeg, encode_png

HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8X", b"")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("size", [(3, 5), (300, 40), (64, 1000)])
def test_the_size_is_read_from_the_head(suffix: str, size: tuple[int, int]) -> None:
    width, height = size
    _, data = cv2.imencode(suffix, np.zeros((height, width, 3), np.uint8))
    assert claimed_size(data.tobytes()) == size


def test_lossless_webp_has_another_head() -> None:
    options = [cv2.IMWRITE_WEBP_QUALITY, 101]
    _, data = cv2.imencode(".webp", np.zeros((31, 70, 3), np.uint8), options)
    assert data.tobytes()[12:16] == b"VP8L"
    assert claimed_size(data.tobytes()) == (70, 31)


@given(st.sampled_from(HEADS), st.binary(max_size=64))
def test_any_bytes_are_read_without_error(head: bytes, rest: bytes) -> None:
    size = claimed_size(head + rest)
    assert size is None or min(size) >= 0
    assert decode(head + rest, cv2.IMREAD_COLOR, 1_000_000) is None or size is not None


def test_more_pixels_than_allowed_are_not_decoded() -> None:
    data = encode_png(np.zeros((10, 10), np.uint8)).tobytes()
    assert decode(data, cv2.IMREAD_UNCHANGED, 99) is None
    picture = decode(data, cv2.IMREAD_UNCHANGED, 100)
    assert picture is not None
    assert picture.shape == (10, 10)


def test_channels_keep_their_order() -> None:
    rgba = np.random.default_rng(0).integers(0, 255, (6, 7, 4)).astype(np.uint8)
    back = decode(encode_png(rgba).tobytes(), cv2.IMREAD_UNCHANGED, 100)
    assert back is not None
    np.testing.assert_array_equal(back, rgba)
    blue = np.zeros((8, 8, 3), np.uint8)
    blue[..., 2] = 255
    seen = decode(encode_jpeg(blue).tobytes(), cv2.IMREAD_COLOR_RGB, 100)
    assert seen is not None
    assert np.abs(seen.astype(int) - blue).max() <= 3
