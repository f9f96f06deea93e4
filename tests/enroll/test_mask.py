from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.enroll.mask import region_mask
from realtime.face import crop_matrix, transform
from realtime.regions import Region
from tests.enroll.shipped import NAMES, shipped


@pytest.mark.parametrize("name", NAMES)
def test_regions_lie_where_the_landmarks_say(name: str) -> None:
    avatar = shipped(name)
    mask = region_mask(avatar.picture, avatar.matte, avatar.points)
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
    assert (mask[:8] == Region.HAIR).mean() > 0.4
    assert mask[128, 2] == Region.BACKGROUND


@pytest.mark.parametrize("name", NAMES)
def test_hair_is_found_where_it_is(name: str) -> None:
    """A head shaved by the test, scalp the colour of its cheek, has none."""
    avatar = shipped(name)
    cheek = avatar.picture[tuple(avatar.points[50, 1::-1].astype(int))]
    shaved = avatar.picture.copy()
    brow = int(avatar.points[9, 1])
    texture = avatar.picture[:brow].mean(2, keepdims=True) * 0.03
    shaved[:brow] = np.clip(cheek + texture - texture.mean(), 0, 255)
    hairy, bald = (
        (region_mask(picture, avatar.matte, avatar.points) == Region.HAIR).sum()
        for picture in (avatar.picture, shaved)
    )
    assert bald < 0.3 * hairy


def test_nobody_beyond_the_matte() -> None:
    avatar = shipped("max")
    mask = region_mask(avatar.picture, avatar.matte, avatar.points)
    matte = cv2.warpAffine(avatar.matte, crop_matrix(avatar.points), (256, 256))
    far = cv2.dilate(matte, np.ones((9, 9), np.uint8)) == 0
    assert (mask[far] == Region.BACKGROUND).all()
