"""Ablations: variants take the same steps from the same start, and differ by what they lack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.models.generator import to_lips
from realtime.models.weights import load_weights
from realtime.training import ablations
from realtime.training import generator as training
from realtime.training.ablations import VARIANTS, as_markdown, train
from realtime.training.generator import compose_face, to_tensors
from realtime.training.pictures import Motions, make_picture, stack
from realtime.training.recipe import Recipe
from realtime.training.timed import Stint
from tests.faces import drawn_face
from tests.training.test_generator import seconds, write_data
from tests.training.test_judges import write_recogniser
from tests.training.test_pictures import WHITE, drawn_photo


def test_variants_take_the_same_steps_and_come_out_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("everything", "no_flow", "no_mouth_plate", "no_made_pictures")
    monkeypatch.setattr(ablations, "VARIANTS", {name: VARIANTS[name] for name in few})
    monkeypatch.setattr(training, "_BATCH", 1)
    data = write_data(tmp_path / "data")
    write_recogniser(tmp_path)
    train(data, Stint(tmp_path / "out", minutes=2 / 60, seed=0, now=seconds().__next__))
    kept = [load_weights(tmp_path / "out" / name / "generator.safetensors") for name in few]
    assert {weights.config("generator")["steps"] for weights in kept} == {2}
    assert len({weights.digest for weights in kept}) == len(few)


def test_without_flow_and_plate_there_is_neither() -> None:
    picture = make_picture(drawn_photo(), drawn_face(12.0), WHITE)
    arrays = {name: torch.from_numpy(array) for name, array in stack([picture]).items()}
    recipe = Recipe(flow=False, plate=False)
    batch = to_tensors(arrays, torch.device("cpu"), recipe)
    assert not batch["plate"].any()
    made = compose_face(torch.ones(1, 7, 40, 40), torch.ones(1, 7, 96, 112), batch, recipe)
    assert not made.flow.any()
    assert to_lips(made.face).shape == made.inside.shape


def test_the_still_say_nothing() -> None:
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(3, 478, 2)).astype(np.float32)
    motions = Motions([rng.normal(size=(9, 3)).astype(np.float32)], basis)
    assert motions.draw(rng).any()
    assert not motions.still().draw(rng).any()


def test_a_table_has_a_row_for_each_variant() -> None:
    rows = {"everything": {"steps": 9.0, "dB": 30.25}, "no_flow": {"steps": 9.0, "dB": 20.5}}
    assert as_markdown(rows).splitlines() == [
        "| trained with | steps | dB |",
        "| --- | ---: | ---: |",
        "| everything | 9 | 30.25 |",
        "| no flow | 9 | 20.5 |",
    ]
