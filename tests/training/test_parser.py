"""Training of the face parser: the pictures it sees, its loss, and a run that stops and goes on."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from realtime.face import BROWS, EYE_HEIGHT, OVAL
from realtime.models.face_parser import CLASSES, FACE_PX, FaceParser
from realtime.models.weights import load_weights
from realtime.regions import Region
from realtime.training import parser as training
from realtime.training.parser import parser_loss, train
from realtime.training.parser_attire import Person, dress
from realtime.training.parser_fringe import comb_fringe
from realtime.training.parser_pictures import SIDE, draw_picture
from realtime.training.parser_truth import UNKNOWN, Truth, load_truths, save_truths
from realtime.training.timed import Stint
from tests.faces import drawn_face


def truth(name: str = "somebody.jpg", person: str = "somebody") -> Truth:
    """A pale face on shoulders before a green wall."""
    points = drawn_face() * np.float32(0.6)
    alpha = np.zeros((180, 160), np.uint8)
    regions = np.full(alpha.shape, Region.BODY, np.uint8)
    oval = [np.round(points[list(OVAL)]).astype(np.int32)]
    cv2.fillPoly(alpha, oval, 255)
    cv2.fillPoly(regions, oval, int(Region.SKIN))
    alpha[150:] = 255
    person_colour = np.full((*alpha.shape, 3), (220, 190, 170), np.uint8)
    wall = np.full((*alpha.shape, 3), (40, 160, 60), np.uint8)
    return Truth(name, person, person_colour, wall, alpha, regions, points)


def picture_at(seed: int) -> np.ndarray:
    return draw_picture([truth()], np.random.default_rng(seed)).x


def test_a_picture_belongs_to_its_seed() -> None:
    np.testing.assert_array_equal(picture_at(3), picture_at(3))
    assert not np.array_equal(picture_at(3), picture_at(4))


def test_a_picture_shows_the_truth_where_it_says() -> None:
    for seed in range(6):
        drawn = draw_picture([truth()], np.random.default_rng(seed))
        assert drawn.x.shape == (7, SIDE, SIDE)
        assert np.isfinite(drawn.x).all()
        assert drawn.alpha.min() >= 0
        assert drawn.alpha.max() <= 1
        assert set(np.unique(drawn.regions)) <= {*map(int, CLASSES), UNKNOWN}
        skin = (drawn.regions == Region.SKIN) & (drawn.alpha > 0.5)
        assert skin.sum() > 0.1 * FACE_PX**2


def test_attire_covers_and_is_called_so() -> None:
    rng, worn = np.random.default_rng(0), 0
    for _ in range(20):
        somebody = Person(
            np.full((SIDE, SIDE, 3), 128, np.float32),
            np.zeros((SIDE, SIDE), np.float32),
            np.full((SIDE, SIDE), Region.BODY, np.uint8),
            drawn_face(),
        )
        dress(somebody, rng)
        things = somebody.regions == Region.ACCESSORIES
        assert (somebody.alpha[things] >= 0.5).all()
        worn += bool(things.any())
    assert 5 <= worn <= 19


def haired(hairline: int) -> Person:
    """Somebody under hair that hangs beside the face and ends above it at a row."""
    skin = np.full((SIDE, SIDE, 3), (220, 190, 170), np.float32)
    hair = np.zeros((SIDE, SIDE), bool)
    hair[10:hairline] = True
    skin[hair] = (40, 30, 20)
    regions = np.where(hair, Region.HAIR, Region.SKIN).astype(np.uint8)
    points = drawn_face()
    points[np.ravel(BROWS), 1] = 64
    return Person(skin, np.ones((SIDE, SIDE), np.float32), regions, points)


def test_fringes_are_hair_above_the_eyes() -> None:
    for seed in range(8):
        person = haired(hairline=40)
        comb_fringe(person, np.random.default_rng(seed))
        fringe = person.regions[40:] == Region.HAIR
        assert fringe.sum() > 300
        assert not fringe[int(EYE_HEIGHT) - 40 :].any()
        assert person.colour[40:][fringe].mean() < 60


def test_who_has_no_hair_gets_no_fringe() -> None:
    person = haired(hairline=11)
    comb_fringe(person, np.random.default_rng(0))
    np.testing.assert_array_equal(person.regions, haired(hairline=11).regions)


def test_the_loss_wants_the_truth_and_forgives_what_nobody_knows() -> None:
    part = torch.full((1, 8, 8), int(Region.SKIN), dtype=torch.uint8)
    part[..., 4:] = UNKNOWN
    batch = {"alpha": torch.ones(1, 8, 8), "known": torch.ones(1, 8, 8), "regions": part}

    def loss_of(*columns: Region) -> float:
        logits = torch.full((1, len(CLASSES), 8, 8), -9.0)
        for region, half in zip(columns, (slice(0, 4), slice(4, 8)), strict=True):
            logits[:, CLASSES.index(region), :, half] = 9.0
        return float(parser_loss(logits, batch))

    right = loss_of(Region.SKIN, Region.SKIN)
    assert right < 0.01
    assert loss_of(Region.SKIN, Region.HAIR) == pytest.approx(right, abs=0.01)
    assert loss_of(Region.HAIR, Region.SKIN) > 1
    blamed = loss_of(Region.SKIN, Region.BACKGROUND)
    assert blamed > 1, "a person is not a room"
    batch["known"][..., 4:] = 0
    forgiven = loss_of(Region.SKIN, Region.BACKGROUND)
    assert forgiven < 0.1 * blamed, "beyond the photograph anything may be"


def test_truths_survive_their_file(tmp_path: Path) -> None:
    kept = [truth("a.jpg", "a"), truth("b.jpg", "b")]
    save_truths(tmp_path / "truths.npz", kept)
    again = load_truths(tmp_path / "truths.npz")
    assert [(each.name, each.person) for each in again] == [("a.jpg", "a"), ("b.jpg", "b")]
    np.testing.assert_array_equal(again[1].regions, kept[1].regions)
    np.testing.assert_array_equal(again[1].points, kept[1].points)


def test_a_run_stops_goes_on_and_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_BATCH", 1)
    save_truths(tmp_path / "truths.npz", [truth()])

    def run(minutes: float, resume: bool) -> Path:
        seconds = map(float, itertools.count()).__next__
        return train(tmp_path, Stint(tmp_path, minutes, seed=0, resume=resume, now=seconds))

    run(2 / 60, resume=False)
    weights = load_weights(run(3 / 60, resume=True))
    assert weights.config("parser") == {"seed": 0, "steps": 3, "minutes": 0.1}
    weights.restore("parser", FaceParser())
