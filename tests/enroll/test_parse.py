from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.enroll.parse import parse
from realtime.errors import ModelError
from realtime.models.face_parser import CLASSES, FACE_PX, STRIDE, FaceParser, load_parser
from realtime.regions import Region
from realtime.view import face_height
from tests.enroll.shipped import NAMES, shipped


@pytest.mark.parametrize("name", NAMES)
def test_every_pixel_is_something(name: str) -> None:
    avatar = shipped(name)
    parsed = parse(load_parser(), avatar.picture, avatar.points)
    np.testing.assert_allclose(parsed.shares.sum(0), 1, atol=1e-4)
    assert parsed.factor == pytest.approx(FACE_PX / face_height(avatar.points))
    size = avatar.picture.shape[1], avatar.picture.shape[0]
    shares = {region: parsed.share(region, size) for region in CLASSES}
    assert shares[Region.HAIR].shape == avatar.picture.shape[:2]
    x, y = avatar.points[4, :2].round().astype(int)
    assert shares[Region.SKIN][y, x] > 0.9
    assert shares[Region.BACKGROUND][5, 5] > 0.9
    assert shares[Region.BODY][-5, round(float(avatar.points[152, 0]))] > 0.9


def test_a_picture_of_any_size_is_seen_whole() -> None:
    avatar = shipped("ava")
    cut = avatar.picture[: avatar.picture.shape[0] // STRIDE * STRIDE - 7, :-3]
    parsed = parse(load_parser(), np.ascontiguousarray(cut), avatar.points)
    height, width = (round(side * parsed.factor) for side in cut.shape[:2])
    assert parsed.shares.shape == (len(CLASSES), height, width)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_parser(tmp_path / "face_parser.safetensors")


def test_the_network_is_small() -> None:
    assert sum(each.numel() for each in FaceParser().parameters()) < 2_000_000
