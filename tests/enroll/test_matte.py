from __future__ import annotations

import numpy as np
import pytest

from realtime.avatar_file import Avatar
from realtime.enroll.matte import guided_filter, person_matte
from realtime.enroll.parse import Parsed, parse
from realtime.face import OVAL
from realtime.models.face_parser import CLASSES, load_parser
from realtime.regions import Region
from tests.enroll.shipped import NAMES, shipped

PARSER = load_parser()


def matte_of(avatar: Avatar) -> np.ndarray:
    parsed = parse(PARSER, avatar.picture, avatar.points)
    return person_matte(avatar.picture, avatar.points, parsed)


@pytest.mark.parametrize("name", NAMES)
def test_face_chest_and_background(name: str) -> None:
    avatar = shipped(name)
    matte = matte_of(avatar)
    assert matte.shape == avatar.picture.shape[:2]
    assert matte.dtype == np.uint8
    middle = avatar.points[list(OVAL), :2].mean(0)
    inner = middle + 0.85 * (avatar.points[list(OVAL), :2] - middle)
    x, y = inner.round().astype(int).T
    assert matte[y, x].min() == 255, "the face is the person"
    chin_x = round(float(avatar.points[152, 0]))
    assert matte[-10:, chin_x - 40 : chin_x + 40].min() > 250, "and so is the chest"
    assert matte[:40, :40].max() == 0
    assert matte[:40, -40:].max() == 0
    assert 0.25 < (matte > 127).mean() < 0.8


def test_the_same_portrait_gives_the_same_matte() -> None:
    avatar = shipped("ava")
    first = matte_of(avatar)
    np.testing.assert_array_equal(first, matte_of(avatar))


def test_a_wall_that_is_half_believed_to_be_a_person_is_cut_away() -> None:
    avatar = shipped("max")
    parsed = parse(PARSER, avatar.picture, avatar.points)
    height, width = parsed.shares.shape[1:]
    wall = slice(0, height // 2), slice(0, width // 4)
    doubtful = parsed.shares.copy()
    doubtful[(slice(None), *wall)] *= 0.3
    doubtful[(CLASSES.index(Region.HAIR), *wall)] += 0.7
    large = slice(0, avatar.matte.shape[0] // 2), slice(0, avatar.matte.shape[1] // 4)
    before = person_matte(avatar.picture, avatar.points, parsed)
    after = person_matte(avatar.picture, avatar.points, Parsed(doubtful, parsed.factor))
    assert after[large].mean() < before[large].mean() + 10


def test_a_portrait_without_a_room_is_all_person() -> None:
    avatar = shipped("max")
    parsed = parse(PARSER, avatar.picture, avatar.points)
    shares = np.zeros_like(parsed.shares)
    shares[CLASSES.index(Region.SKIN)] = 1
    matte = person_matte(avatar.picture, avatar.points, Parsed(shares, parsed.factor))
    assert matte.min() == 255


def test_the_filter_moves_an_edge_to_where_the_guide_has_it() -> None:
    guide = np.zeros((40, 80), np.float32)
    guide[:, 40:] = 1
    rough = np.zeros((40, 80), np.float32)
    rough[:, 43:] = 1
    soft = guided_filter(guide, rough, 8, 1e-4)
    assert soft[20, 41] - soft[20, 38] > 0.5
    assert np.abs(np.diff(soft[20])).argmax() == 39
