"""Likeness: known answers, and the order that eyes would give."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.measure.likeness import Picture, cpbd, landmark_distance, psnr, ssim


@pytest.fixture
def picture() -> Picture:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    larger = cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(larger, 30, 220), np.uint8)


def test_an_error_of_ten_levels_is_28_db(picture: Picture) -> None:
    assert psnr(picture, picture + 10) == pytest.approx(20 * np.log10(25.5))


def test_the_same_picture_is_as_like_as_can_be(picture: Picture) -> None:
    assert ssim(picture, picture) == pytest.approx(1)
    assert psnr(picture, picture) > 80


def test_ssim_of_flat_pictures_is_that_of_their_light() -> None:
    dark, light = (np.full((32, 32, 3), level, np.uint8) for level in (100, 150))
    constant = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + constant) / (100**2 + 150**2 + constant)
    assert ssim(dark, light) == pytest.approx(expected)


def test_ssim_sees_structure_lost(picture: Picture) -> None:
    soft = np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)
    assert ssim(soft, picture) < 0.8 < ssim(picture + 10, picture)


def test_a_hard_edge_is_sharp_and_a_wide_one_blurred() -> None:
    step = np.zeros((64, 64, 3), np.uint8)
    step[:, 32:] = 200
    wide = np.asarray(cv2.GaussianBlur(step, (0, 0), 5), np.uint8)
    assert cpbd(step) == 1
    assert cpbd(wide) == 0
    assert cpbd(np.full((64, 64, 3), 90, np.uint8)) == 0


def test_landmarks_a_3_4_5_triangle_apart() -> None:
    points = np.zeros((7, 2), np.float32)
    assert landmark_distance(points + np.array([3, 4], np.float32), points) == 5
