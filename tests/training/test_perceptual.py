"""Perceptual distance, and the network it looks through."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.training.perceptual import MobileNetFeatures, load_features, perceptual_distance


def test_distance_is_nought_for_equal_features_and_two_for_unrelated_ones() -> None:
    features = torch.zeros(1, 4, 5, 5)
    features[:, 0] = 3.0
    others = features.roll(1, 1)
    assert perceptual_distance([features], [2 * features]) == 0
    assert perceptual_distance([features], [others]) == pytest.approx(2)


def test_features_halve_in_size() -> None:
    seen = MobileNetFeatures().eval()(torch.zeros(1, 3, 64, 96))
    assert [each.shape[1:] for each in seen] == [
        (16, 32, 48),
        (24, 16, 24),
        (32, 8, 12),
        (64, 4, 6),
    ]


def test_weights_of_the_whole_network_are_read(tmp_path: Path) -> None:
    network = MobileNetFeatures()
    state = {**network.state_dict(), "classifier.1.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "mobile.pth")
    loaded = load_features(tmp_path / "mobile.pth")
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
