from __future__ import annotations

import numpy as np
import pytest

from realtime.avatar_file import Avatar
from realtime.enroll.matte import guided_filter, person_matte
from realtime.enroll.parse import parse
from realtime.face import OVAL
from realtime.models.face_parser import load_parser
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


def test_the_filter_moves_an_edge_to_where_the_guide_has_it() -> None:
    guide = np.zeros((40, 80), np.float32)
    guide[:, 40:] = 1
    rough = np.zeros((40, 80), np.float32)
    rough[:, 43:] = 1
    soft = guided_filter(guide, rough, 8, 1e-4)
    assert soft[20, 41] - soft[20, 38] > 0.5
    assert np.abs(np.diff(soft[20])).argmax() == 39
