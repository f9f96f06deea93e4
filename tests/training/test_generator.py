"""Generator training: its sampling, its schedule, and a run that stops, goes on and can be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.enroll.mesh import sample
from realtime.face import LANDMARKS, MOUTH_WINDOW
from realtime.models.generator import Generator, to_lips, views
from realtime.models.style_encoder import StyleEncoder
from realtime.models.weights import Weights, load_weights
from realtime.training import generator as training
from realtime.training.generator import (
    FaceNetworks,
    compose_face,
    fresh_run,
    move_photo,
    picture_loss,
    to_tensors,
    train,
)
from realtime.training.pictures import make_picture, stack
from realtime.training.recipe import Recipe
from realtime.training.timed import Stint, rate_at
from tests.faces import drawn_face
from tests.training.test_judges import write_recogniser
from tests.training.test_pictures import WHITE, drawn_photo, write_faces


def test_photographs_are_sampled_as_the_pictures_were_made() -> None:
    draw = np.random.default_rng(0)
    flow = draw.uniform(-9, 9, (160, 160, 2)).astype(np.float32)
    photo = drawn_photo()
    expected = sample(photo.crop, flow, MOUTH_WINDOW).astype(np.float32) / 255
    batch = torch.from_numpy(photo.crop).permute(2, 0, 1)[None] / 255
    found = move_photo(batch, torch.from_numpy(flow).permute(2, 0, 1)[None])
    # OpenCV rounds places to 1/32 px and colours to 1/255.
    np.testing.assert_allclose(found[0].permute(1, 2, 0).numpy(), expected, atol=0.03)
    assert np.abs(found[0].permute(1, 2, 0).numpy() - expected).mean() < 0.003


def test_the_truth_itself_costs_little() -> None:
    picture = make_picture(drawn_photo(), drawn_face(12.0), WHITE)
    arrays = {name: torch.from_numpy(array) for name, array in stack([picture]).items()}
    recipe = Recipe()
    batch = to_tensors(arrays, torch.device("cpu"), recipe)
    wide, near = torch.zeros(1, 7, 40, 40), torch.zeros(1, 7, 96, 112)
    without = picture_loss(compose_face(wide, near, batch, recipe), batch, recipe)
    wide[:, 3:5], near[:, 3:5] = views(batch["flow"])
    near[:, 5:6] = torch.logit(to_lips(batch["matte"]), 1e-4)
    right = picture_loss(compose_face(wide, near, batch, recipe), batch, recipe)
    assert right < 0.5 * without


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    run = fresh_run(torch.device("cpu"))
    assert rate_at(run, 1.0) == pytest.approx(2e-5)
    run.step = 1000
    assert rate_at(run, 1.0) == pytest.approx(2e-3)
    run.seconds = 30.0
    assert rate_at(run, 1.0) == pytest.approx(1e-3)
    run.seconds = 61.0
    assert rate_at(run, 1.0) == pytest.approx(0.0)


def write_data(folder: Path) -> Path:
    """The least `data` folder that a training reads."""
    faces, motion = folder / "clean" / "faces", folder / "clean" / "motion"
    faces.mkdir(parents=True)
    motion.mkdir()
    write_faces(faces, ["somebody"])
    basis = np.zeros((1, LANDMARKS, 3), np.float16)
    basis[0, :, :2] = (drawn_face(16.0) - drawn_face()) / 77
    mean = np.ones((LANDMARKS, 3), np.float32)
    np.savez(motion / "basis.npz", mean=mean, basis=basis)
    frames = np.linspace(0, 1, 9, dtype=np.float16)[:, None]
    filled = np.zeros(9, np.uint8)
    np.savez(motion / "one.npz", coef=frames, rest=np.zeros(1, np.float16), filled=filled)
    return folder


def seconds() -> Iterator[float]:
    return map(float, itertools.count())


def test_a_run_stops_goes_on_and_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_BATCH", 2)
    data, out = write_data(tmp_path / "data"), tmp_path / "out"
    write_recogniser(tmp_path)
    train(data, Stint(out, minutes=2 / 60, seed=0, now=seconds().__next__))
    later = Stint(out, minutes=3 / 60, seed=0, resume=True, now=seconds().__next__)
    path = train(data, later)
    weights = load_weights(path)
    assert weights.config("generator") == {"seed": 0, "steps": 3, "minutes": 0.1}
    weights.restore("style", StyleEncoder())
    weights.restore("generator", Generator())


def test_a_run_begins_with_given_weights() -> None:
    other = FaceNetworks()
    state = {name: tensor.detach() for name, tensor in other.state_dict().items()}
    run = fresh_run(torch.device("cpu"), Weights(state, {}, ""))
    for networks in (run.networks, run.average):
        for name, tensor in networks.state_dict().items():
            torch.testing.assert_close(tensor, state[name])
    assert all(parameter.requires_grad for parameter in run.networks.parameters())
    assert not any(parameter.requires_grad for parameter in run.average.parameters())
