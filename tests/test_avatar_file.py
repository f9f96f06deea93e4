from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as to_safetensors

from realtime import avatar_file
from realtime.avatar_file import Avatar, load, save
from realtime.errors import AvatarError, OutputError
from realtime.filmed_face import Film
from realtime.manner import Manner
from realtime.picture_bytes import encode_png
from tests.avatars import drawn_avatar, filmed_avatar

Damage = Callable[[Avatar], Avatar]


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    return drawn_avatar()


@pytest.fixture(scope="module")
def whole(avatar: Avatar, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("avatar") / "whole.avatar"
    save(avatar, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "some.avatar"


def test_what_is_saved_is_loaded(avatar: Avatar, tmp_path: Path) -> None:
    path = tmp_path / "some.avatar"
    save(avatar, path)
    loaded = load(path)
    for key in ("points", "mask", "matte", "codes"):
        np.testing.assert_array_equal(getattr(loaded, key), getattr(avatar, key))
        assert getattr(loaded, key).dtype == getattr(avatar, key).dtype
    for key in ("upper", "lower", "light"):
        np.testing.assert_array_equal(getattr(loaded.plate, key), getattr(avatar.plate, key))
    for key in ("name", "consent", "created", "weights_hash"):
        assert getattr(loaded, key) == getattr(avatar, key)
    error = np.abs(loaded.picture.astype(int) - avatar.picture)
    assert error.mean() < 4, "JPEG may blur the drawn blocks a little, no more"


def test_a_film_is_saved_and_loaded(tmp_path: Path) -> None:
    avatar = filmed_avatar()
    save(avatar, tmp_path / "film.avatar")
    film, loaded = avatar.film, load(tmp_path / "film.avatar").film
    assert film is not None
    assert loaded is not None
    np.testing.assert_array_equal(loaded.video, film.video)
    np.testing.assert_array_equal(loaded.places, film.places)
    for key in ("rest", "habit"):
        np.testing.assert_array_equal(getattr(loaded.face, key), getattr(film.face, key))
    for key in ("points", "triangles"):
        there, here = getattr(loaded.face.mouths, key), getattr(film.face.mouths, key)
        np.testing.assert_array_equal(there, here)
    error = np.abs(loaded.face.mouths.pictures.astype(int) - film.face.mouths.pictures)
    assert error.mean() < 4


def _fewer_places(film: Film) -> Film:
    return dataclasses.replace(film, places=film.places[1:])


def _no_video(film: Film) -> Film:
    return dataclasses.replace(film, video=np.zeros(100, np.uint8))


def _endless_habit(film: Film) -> Film:
    face = dataclasses.replace(film.face, habit=np.full((17, 16), np.inf, np.float32))
    return dataclasses.replace(film, face=face)


def _half_a_habit(film: Film) -> Film:
    face = dataclasses.replace(film.face, habit=np.zeros((20, 16), np.float32))
    return dataclasses.replace(film, face=face)


def _unknown_corner(film: Film) -> Film:
    mouths = film.face.mouths
    mouths = dataclasses.replace(mouths, triangles=mouths.triangles + 40)
    return dataclasses.replace(film, face=dataclasses.replace(film.face, mouths=mouths))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_fewer_places, "4 pictures of 320x320 for 3 places"),
        (_no_video, "a video that cannot be decoded"),
        (_endless_habit, "habit of type"),
        (_half_a_habit, "a habit of 20 rows"),
        (_unknown_corner, "damaged triangles"),
    ],
)
def test_a_film_that_does_not_fit(
    tmp_path: Path, damage: Callable[[Film], Film], found: str
) -> None:
    avatar = filmed_avatar()
    assert avatar.film is not None
    save(dataclasses.replace(avatar, film=damage(avatar.film)), tmp_path / "film.avatar")
    with pytest.raises(AvatarError, match=found):
        load(tmp_path / "film.avatar")


def test_red_stays_red(avatar: Avatar, tmp_path: Path) -> None:
    red = np.zeros_like(avatar.picture)
    red[..., 0] = 200
    save(dataclasses.replace(avatar, picture=red), tmp_path / "red.avatar")
    assert np.abs(load(tmp_path / "red.avatar").picture.astype(int) - red).max() <= 3


def test_saving_again_replaces_and_leaves_nothing_beside(avatar: Avatar, tmp_path: Path) -> None:
    path = tmp_path / "some.avatar"
    save(avatar, path)
    save(dataclasses.replace(avatar, name="other"), path)
    assert load(path).name == "other"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(avatar: Avatar, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        save(avatar, tmp_path / "none" / "some.avatar")


def test_a_write_that_fails_leaves_the_old_file(
    avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "some.avatar"
    save(avatar, path)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="No space left"):
        save(dataclasses.replace(avatar, name="other"), path)
    assert load(path).name == avatar.name
    assert list(tmp_path.iterdir()) == [path]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_truncated(whole: bytes, place: Path, data: st.DataObject) -> None:
    place.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(AvatarError):
        load(place)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_one_bit_flipped(whole: bytes, place: Path, data: st.DataObject) -> None:
    """No bit of the tensors can change unseen; a space in the JSON header may."""
    (header,) = struct.unpack("<Q", whole[:8])
    places = st.integers(0, 8 + header) | st.integers(0, len(whole) - 1)
    position = data.draw(places)
    damaged = bytearray(whole)
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    place.write_bytes(damaged)
    try:
        loaded = load(place)
    except AvatarError:
        return
    assert position < 8 + header
    assert loaded.points.shape == (478, 3)


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=100, deadline=None)
def test_foreign_bytes(place: Path, content: bytes, framed: bool) -> None:
    place.write_bytes(struct.pack("<Q", len(content)) + content if framed else content)
    with pytest.raises(AvatarError):
        load(place)


def test_a_foreign_safetensors_file(place: Path) -> None:
    place.write_bytes(to_safetensors({"weight": np.zeros(3, np.float32)}))
    with pytest.raises(AvatarError, match=r"no avatar metadata in some\.avatar"):
        load(place)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.avatar", tmp_path):
        with pytest.raises(AvatarError):
            load(path)


def test_an_oversized_file_is_not_read(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(1 << 40)  # sparse: reading it would not fit into memory
    with pytest.raises(AvatarError, match="1099511627776 bytes"):
        load(place)
    place.unlink()


def test_a_picture_that_claims_to_be_huge_is_not_decoded(
    avatar: Avatar, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = encode_png(avatar.matte)
    huge = small.copy()
    huge[16:24] = np.frombuffer(struct.pack(">II", 60_000, 60_000), np.uint8)
    monkeypatch.setattr(avatar_file, "encode_png", lambda _: huge)
    save(avatar, place)
    with pytest.raises(AvatarError, match="matte of sound size"):
        load(place)


def _moved(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, points=avatar.points + np.float32(1000))


def _not_finite(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, points=avatar.points * np.float32(np.nan))


def _few_points(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, points=avatar.points[:400])


def _other_matte(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, matte=avatar.matte[:-1])


def _unknown_region(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, mask=np.full_like(avatar.mask, 12))


def _long_name(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, name="a" * 101)


def _no_codes(avatar: Avatar) -> Avatar:
    return dataclasses.replace(avatar, codes=avatar.codes[:0])


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_moved, "points outside its picture"),
        (_not_finite, "not finite"),
        (_few_points, r"points of shape \(400, 3\)"),
        (_other_matte, "a matte of shape"),
        (_unknown_region, "a mask of another kind"),
        (_long_name, "no usable name"),
        (_no_codes, "codes of shape"),
    ],
)
def test_contents_that_do_not_fit(avatar: Avatar, place: Path, damage: Damage, found: str) -> None:
    save(damage(avatar), place)
    with pytest.raises(AvatarError, match=found):
        load(place)


def test_another_version(avatar: Avatar, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avatar_file, "VERSION", 2)
    save(avatar, place)
    monkeypatch.undo()
    with pytest.raises(AvatarError, match="found version 2"):
        load(place)


def test_manner_and_edits_are_kept_and_may_be_absent(tmp_path: Path) -> None:
    path = tmp_path / "a.avatar"
    edited = dataclasses.replace(drawn_avatar(), manner=Manner(yaw=3.0), edits=("lips red 0.8",))
    save(edited, path)
    loaded = load(path)
    assert (loaded.manner, loaded.edits) == (edited.manner, edited.edits)
    assert load(Path("realtime/assets/ava.avatar")).manner == Manner()
