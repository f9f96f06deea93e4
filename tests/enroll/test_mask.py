from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.avatar_file import Avatar
from realtime.enroll.mask import region_mask
from realtime.enroll.parse import Parsed, parse
from realtime.face import crop_matrix, transform
from realtime.models.face_parser import CLASSES, load_parser
from realtime.regions import Region
from tests.enroll.shipped import NAMES, shipped

PARSER = load_parser()


def mask_of(avatar: Avatar, picture: np.ndarray | None = None) -> np.ndarray:
    seen = avatar.picture if picture is None else picture
    return region_mask(seen, avatar.points, parse(PARSER, seen, avatar.points))


@pytest.mark.parametrize("name", NAMES)
def test_regions_lie_where_the_landmarks_say(name: str) -> None:
    avatar = shipped(name)
    mask = mask_of(avatar)
    assert mask.shape == (256, 256)
    assert mask.dtype == np.uint8
    points = transform(crop_matrix(avatar.points), avatar.points)

    def at(*landmarks: int) -> int:
        x, y = points[list(landmarks)].mean(0).round().astype(int)
        return int(mask[y, x])

    assert at(33, 133) == at(362, 263) == Region.EYES
    assert at(4) == Region.NOSE
    assert at(0, 13) == Region.UPPER_LIP
    assert at(14, 17) == Region.LOWER_LIP
    assert at(105, 52) == at(334, 282) == Region.BROWS
    assert at(50) == at(280) == at(9) == Region.SKIN
    below = int(min(points[152, 1] + 12, 255))
    assert mask[below, int(points[152, 0])] == Region.BODY
    assert mask[128, 2] == Region.BACKGROUND


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_are_where_people_have_them(name: str) -> None:
    avatar = shipped(name)
    mask = mask_of(avatar)
    rows = {region: np.nonzero(mask == region)[0] for region in (Region.HAIR, Region.BODY)}
    assert rows[Region.HAIR].mean() < 128 < rows[Region.BODY].min()
    assert min(len(each) for each in rows.values()) > 2000
    assert (mask == Region.ACCESSORIES).mean() < 0.01


def test_nobody_beyond_the_matte() -> None:
    avatar = shipped("max")
    mask = mask_of(avatar)
    matte = cv2.warpAffine(avatar.matte, crop_matrix(avatar.points), (256, 256))
    far = cv2.dilate(matte, np.ones((9, 9), np.uint8)) == 0
    assert (mask[far] == Region.BACKGROUND).mean() > 0.98


@pytest.mark.parametrize(("half", "region"), [(1, Region.SKIN), (8, Region.ACCESSORIES)])
def test_a_speck_on_a_cheek_is_skin(half: int, region: Region) -> None:
    avatar = shipped("ava")
    parsed = parse(PARSER, avatar.picture, avatar.points)
    x, y = (avatar.points[50, :2] * parsed.factor).round().astype(int)
    shares = parsed.shares.copy()
    patch = slice(y - half, y + half + 1), slice(x - half, x + half + 1)
    shares[(CLASSES.index(Region.ACCESSORIES), *patch)] = 2
    mask = region_mask(avatar.picture, avatar.points, Parsed(shares, parsed.factor))
    column, row = transform(crop_matrix(avatar.points), avatar.points)[50].round().astype(int)
    assert mask[row, column] == region
