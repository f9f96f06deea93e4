"""Made pictures: pure, consistent with themselves, and of nobody who is held out."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.face import LANDMARKS, MOUTH_WINDOW
from realtime.mouth_plate import MouthPlate
from realtime.regions import Region
from realtime.training.people import HELD_OUT, Photo, load_photos, own_plate, smile_plate
from realtime.training.pictures import (
    Motions,
    draw_picture,
    load_motions,
    make_picture,
    stack,
)
from tests.avatars import drawn_avatar
from tests.faces import drawn_face

WHITE = MouthPlate(
    np.full((256, 256, 4), 255, np.uint8),
    np.zeros((256, 256, 4), np.uint8),
    np.ones(3, np.float32),
)


def drawn_photo(gap: float = 0.0) -> Photo:
    avatar = drawn_avatar()
    return Photo(
        person="nobody",
        name="nobody.jpg",
        crop=np.ascontiguousarray(avatar.picture[32:288, 32:288]),
        points=drawn_face(gap),
        mask=avatar.mask,
        light=np.ones(3, np.float32),
        smile=None,
    )


def drawn_motions() -> Motions:
    """One speaker whose lower lip opens, little by little."""
    basis = np.zeros((1, LANDMARKS, 2), np.float32)
    basis[0] = (drawn_face(16.0) - drawn_face()) / 77
    return Motions([np.linspace(0, 1, 10, dtype=np.float32)[:, None]], basis)


def test_at_rest_the_truth_is_the_photograph() -> None:
    photo = drawn_photo()
    picture = make_picture(photo, photo.points, own_plate(photo))
    unchanged = picture.matte == 0
    assert unchanged.mean() > 0.98
    assert not picture.flow.any()
    found = np.round(255 * picture.truth[unchanged])
    np.testing.assert_array_equal(found, photo.crop[MOUTH_WINDOW][unchanged])


def test_the_opening_shows_the_plate_darker_at_its_rim() -> None:
    photo = drawn_photo()
    picture = make_picture(photo, drawn_face(24.0), WHITE)
    row, column = 176 - 96, 128 - 48
    assert picture.matte[row, column] == 1
    assert picture.target[Region.MOUTH, row, column] == 1
    middle, rim = picture.truth[row, column], picture.truth[row - 10, column]
    assert picture.matte[row - 10, column] == 1
    assert (rim < 0.8 * middle).all()


@pytest.mark.parametrize("from_points", [False, True])
def test_targets_are_masks(from_points: bool) -> None:
    photo = drawn_photo()
    picture = make_picture(photo, drawn_face(9.0), WHITE, from_points=from_points)
    np.testing.assert_allclose(picture.target.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(picture.target[Region.MOUTH], picture.matte, atol=1e-5)


def test_a_seed_draws_one_picture() -> None:
    photos, motions = [drawn_photo(), drawn_photo(8.0)], drawn_motions()
    first, again, other = (
        draw_picture(photos, motions, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.truth, again.truth)
    np.testing.assert_array_equal(first.target, again.target)
    assert (first.truth != other.truth).any()
    batch = stack([first, other])
    assert batch["truth"].shape == (2, 160, 160, 3)
    assert batch["target"].shape == (2, 12, 160, 160)


def test_nobody_without_teeth_gets_a_smile() -> None:
    with pytest.raises(ValueError, match="expected a photograph that shows teeth"):
        smile_plate(drawn_photo())


def test_motion_fades_out_above_the_nose(tmp_path: Path) -> None:
    mean = np.zeros((LANDMARKS, 3), np.float32)
    mean[1, 1], mean[2, 1] = 0.2, 1.0
    basis = np.ones((2, LANDMARKS, 3), np.float16)
    np.savez(tmp_path / "basis.npz", mean=mean, basis=basis)
    coefficients = np.array([[2, 0], [1, 0], [9, 9]], np.float16)
    rest, filled = np.ones(2, np.float16), np.array([0, 0, 1], np.uint8)
    np.savez(tmp_path / "one.npz", coef=coefficients, rest=rest, filled=filled)
    motions = load_motions(tmp_path)
    assert motions.basis[0, 1, 0] == 0
    assert motions.basis[0, 2, 0] == 1
    assert motions.coefficients[0].tolist() == [[1, -1], [0, -1]]


def test_held_out_people_are_kept_apart(tmp_path: Path) -> None:
    write_faces(tmp_path, ["somebody", HELD_OUT[0], "a hand"])
    learnt = load_photos(tmp_path, held_out=False)
    assert [photo.person for photo in learnt] == ["somebody"]
    assert [photo.person for photo in load_photos(tmp_path, held_out=True)] == [HELD_OUT[0]]
    np.testing.assert_allclose(learnt[0].points, drawn_face(), atol=0.05)


def write_faces(folder: Path, people: list[str]) -> None:
    """The drawn face under several names, as data/clean/faces stores it."""
    columns = ("file", "person", "matrix", "flags", "mouth_open", "teeth")
    photo = drawn_photo()
    (folder / "masks").mkdir()
    with (folder / "index.tsv").open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(columns)
        for person in people:
            flags = "hand" if person == "a hand" else "-"
            table.writerow((f"{person}.png", person, "1,0,0,0,1,0", flags, "0.0", "0.0"))
            cv2.imwrite(str(folder / f"{person}.png"), photo.crop)
            cv2.imwrite(str(folder / "masks" / f"{person}.png"), photo.mask)
    points = np.zeros((len(people), LANDMARKS, 3), np.int16)
    points[..., :2] = np.round(32 * photo.points)
    np.savez(folder / "landmarks.npz", lm=points, scale=np.float32(1 / 32))
