"""Judges: the truth costs least, each judge minds what it is there for."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from realtime.models.face_parser import CLASSES
from realtime.models.weights import save_weights
from realtime.regions import REGIONS, Region
from realtime.training.generator import to_tensors
from realtime.training.judges import Judges, into_crop, parsing_loss
from realtime.training.pictures import make_picture, stack
from realtime.training.recogniser import FILE, NAME, Recogniser
from tests.faces import drawn_face
from tests.training.test_pictures import WHITE, drawn_photo


def batch_of_one() -> dict[str, Tensor]:
    picture = make_picture(drawn_photo(), drawn_face(12.0), WHITE)
    arrays = {name: torch.from_numpy(array) for name, array in stack([picture]).items()}
    return to_tensors(arrays, torch.device("cpu"))


def write_recogniser(runs: Path) -> None:
    """An untrained one, where a training looks for it."""
    torch.manual_seed(0)
    state = Recogniser().state_dict()
    tensors = {f"{NAME}.{name}": tensor for name, tensor in state.items()}
    save_weights(runs / FILE, tensors, {NAME: {}})


def test_a_window_is_laid_into_its_crop() -> None:
    whole, part = torch.zeros(1, 3, 256, 256), torch.ones(1, 3, 160, 160)
    joined = into_crop(part, whole)
    assert joined.sum() == part.sum()
    assert joined[0, 0, 96, 48] == 1
    assert joined[0, 0, 95, 48] == 0
    assert not whole.any()


def test_lips_are_skin_to_the_parser() -> None:
    asked = torch.zeros(1, REGIONS, 256, 256)
    asked[:, Region.UPPER_LIP] = 1
    sure = torch.full((1, len(CLASSES), 160, 160), -20.0)
    sure[:, CLASSES.index(Region.SKIN)] = 20.0
    assert parsing_loss(sure, asked) < 1e-3 < parsing_loss(-sure, asked)


def test_the_truth_is_judged_better_than_grey(tmp_path: Path) -> None:
    write_recogniser(tmp_path)
    judges = Judges.load(tmp_path, tmp_path, torch.device("cpu"))
    assert judges.mobile is None
    batch = batch_of_one()
    truth = judges.loss(batch["truth"], batch)
    grey = torch.full_like(batch["truth"], 0.5).requires_grad_(True)
    loss = judges.loss(grey, batch)
    assert truth.item() < loss.item()
    torch.autograd.backward(loss)
    assert grey.grad is not None
    assert grey.grad.isfinite().all()
    assert (grey.grad != 0).any()
