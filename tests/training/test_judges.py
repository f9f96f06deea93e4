"""Judges: the truth costs least, each judge minds what it is there for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from realtime.errors import InputError
from realtime.face import crop_matrix, crop_picture, transform
from realtime.models.face_parser import CLASSES
from realtime.models.weights import save_weights
from realtime.regions import REGIONS, Region
from realtime.training.arcface import ArcFace
from realtime.training.generator import to_tensors
from realtime.training.judges import ARCFACE, VGG, Judges, into_crop, parsing_loss
from realtime.training.pictures import make_picture, stack
from realtime.training.recipe import Recipe
from realtime.training.recogniser import FILE, NAME, Recogniser
from tests.enroll.shipped import shipped
from tests.training.test_pictures import WHITE, drawn_photo


def batch_of_one() -> dict[str, Tensor]:
    """A face that the parser knows for one."""
    avatar = shipped("ava")
    matrix = crop_matrix(avatar.points)
    photo = replace(
        drawn_photo(),
        crop=crop_picture(avatar.picture, matrix),
        points=transform(matrix, avatar.points)[:, :2],
        mask=avatar.mask,
    )
    picture = make_picture(photo, photo.points, WHITE)
    arrays = {name: torch.from_numpy(array) for name, array in stack([picture]).items()}
    return to_tensors(arrays, torch.device("cpu"), Recipe())


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
    truth = judges.loss(batch["truth"], batch, Recipe())
    grey = torch.full_like(batch["truth"], 0.5).requires_grad_(True)
    loss = judges.loss(grey, batch, Recipe())
    assert truth.item() < loss.item()
    torch.autograd.backward(loss)
    assert grey.grad is not None
    assert grey.grad.isfinite().all()
    assert (grey.grad != 0).any()


class Brightness(nn.Module):
    """Stands for VGG: a picture's mean channels, as Zhang's weights would give them."""

    def forward(self, x: Tensor, resize_images: bool = True, return_lpips: bool = False) -> Tensor:
        assert return_lpips
        assert not resize_images
        return x.mean((2, 3))


class Halves(nn.Module):
    """Stands for ArcFace: what the left and the right half of a face are like."""

    def forward(self, x: Tensor) -> Tensor:
        assert list(x.shape[1:]) == [3, 112, 112]
        return torch.cat([x[..., :56].mean((2, 3)), x[..., 56:].mean((2, 3))], 1)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_published_networks_judge_too(tmp_path: Path) -> None:
    place = torch.device("cpu")
    for file, network in ((VGG, Brightness()), (ARCFACE, Halves())):
        torch.jit.script(network).save(str(tmp_path / file))  # type: ignore[no-untyped-call]
    judges = Judges.load(tmp_path, tmp_path / "runs", place, tmp_path)
    assert isinstance(judges.recogniser, ArcFace)
    batch = batch_of_one()
    darker = (0.9 * batch["truth"]).requires_grad_(True)
    loss = judges.loss(darker, batch, Recipe())
    (gradient,) = torch.autograd.grad(loss, darker)
    assert (gradient != 0).any()
    less = Judges(judges.parser, judges.recogniser, None, None).loss(darker, batch, Recipe())
    shift = 255 * 0.1 * batch["truth"].mean((2, 3))
    assert (loss - less).item() == pytest.approx(0.2 * shift.square().sum().item(), rel=1e-3)


def test_a_folder_without_judges_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vgg16\.pt or arcface\.pt"):
        Judges.load(tmp_path, tmp_path, torch.device("cpu"), tmp_path)


def test_arcface_sees_the_eyes_where_it_learnt_them() -> None:
    """At 38.3 and 73.5, 51.6 down; in canonical crops they are 76.8 px apart and 92.2 down."""
    crop = torch.zeros(1, 3, 256, 256)
    for x in (128 - 38.4, 128 + 38.4):
        crop[:, :, 92, round(x)] = 1.0
    seen: list[Tensor] = []

    class Sees(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return x.flatten(1)

    ArcFace(Sees())(crop)
    light = (seen[0][0, 0] + 1) / 2
    row, columns = light.sum(1).argmax().item(), light.sum(0)
    assert row == pytest.approx(51.5, abs=1)
    assert columns[:56].argmax().item() == pytest.approx(38.3, abs=1)
    assert columns[56:].argmax().item() + 56 == pytest.approx(73.5, abs=1)
