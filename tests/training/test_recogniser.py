"""The recogniser: views, losses, a training that can be read, and what keeps people apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from realtime.errors import ModelError
from realtime.measure.recognition import separation
from realtime.training.people import HELD_OUT
from realtime.training.recogniser import (
    Recogniser,
    contrast_loss,
    draw_pairs,
    identity_loss,
    load_recogniser,
    train,
    views_by_person,
)
from tests.training.test_pictures import drawn_photo, write_faces


class Brightness(nn.Module):
    """Tells people by how bright they are."""

    def forward(self, crop: Tensor) -> Tensor:
        angle = crop.mean((1, 2, 3))
        return torch.stack([angle.cos(), angle.sin()], 1)


def plain(level: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((256, 256, 3), level, np.uint8)


def test_people_who_differ_are_told_apart() -> None:
    kept_apart = {"dark": [plain(10), plain(12)], "light": [plain(200), plain(203)]}
    assert separation(Brightness(), kept_apart) == {
        "pairs_of_one": 2,
        "pairs_of_two": 4,
        "auc": 1.0,
        "accuracy": 1.0,
    }
    mixed = {"one": [plain(10), plain(200)], "other": [plain(12), plain(202)]}
    assert separation(Brightness(), mixed)["auc"] == 0.25


def test_whoever_is_the_same_has_lost_nothing() -> None:
    crops = torch.rand(2, 3, 256, 256)
    assert identity_loss(Recogniser(), crops, crops).item() == pytest.approx(0, abs=1e-5)
    points = torch.eye(4)
    assert contrast_loss(points, points) < 1e-4 < contrast_loss(points, points.roll(1, 0))


def test_a_step_draws_the_same_pairs_again() -> None:
    people = [[drawn_photo().crop], [plain(90)]]
    first, again, other = (draw_pairs(people, 1, step) for step in (5, 5, 6))
    torch.testing.assert_close(first, again)
    assert (first[0] != other[0]).any()
    assert first[0].shape == (2, 3, 256, 256)


def test_training_leaves_what_the_generator_reads(tmp_path: Path) -> None:
    faces = tmp_path / "clean" / "faces"
    faces.mkdir(parents=True)
    write_faces(faces, ["somebody", "other", HELD_OUT[0]])
    assert set(views_by_person(faces, HELD_OUT)) == {"somebody", "other"}
    with pytest.raises(ModelError, match="run `train recogniser` first"):
        load_recogniser(tmp_path)
    train(tmp_path, tmp_path / "recogniser", steps=1, seed=0)
    point = load_recogniser(tmp_path)(torch.rand(1, 3, 256, 256))
    assert point.norm().item() == pytest.approx(1, abs=1e-5)
