"""The range of poses: what a warp does to a picture, and how far heads may turn."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.commands.common import ASSETS
from realtime.gallery import AvatarGallery
from realtime.manner import RANGES, TURNS
from realtime.measure.pose_range import distortion, pose_range


def linear(slope: list[list[float]]) -> np.ndarray:
    places = np.dstack(np.meshgrid(np.arange(20.0), np.arange(16.0)))
    return np.asarray(places @ (np.array(slope).T - np.eye(2)), np.float32)


@pytest.mark.parametrize(
    ("slope", "expected"),
    [
        ([[1, 0], [0, 1]], 1),
        ([[2, 0], [0, 1]], 2),
        ([[1, 0], [0, 0.25]], 4),
        ([[0, -1], [1, 0]], 1),
        ([[-1, 0], [0, 1]], np.inf),
    ],
)
def test_stretched_squeezed_turned_and_folded(slope: list[list[float]], expected: float) -> None:
    assert distortion(linear(slope)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["ava", "max"])
def test_users_may_turn_a_head_as_far_as_is_honest(name: str) -> None:
    found = pose_range(AvatarGallery(ASSETS).load(name), (512, 512))
    for turn in TURNS:
        assert found[f"{turn}_degrees"] == RANGES[turn][1]
