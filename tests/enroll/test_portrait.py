from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime import avatar_file
from realtime.enroll.landmarks import Landmarker
from realtime.enroll.portrait import enroll, head_and_shoulders, read_picture
from realtime.errors import PortraitError
from realtime.models.face_parser import load_parser
from realtime.models.networks import Networks
from realtime.models.weights import load_weights
from realtime.view import face_height
from tests.enroll.shipped import NAMES, shipped


def enrolled(picture: NDArray[np.uint8], landmarker: Landmarker) -> avatar_file.Avatar:
    return enroll(
        picture,
        "somebody",
        "a test",
        created="2026-01-01",
        landmarker=landmarker,
        parser=load_parser(),
        networks=Networks.restore(load_weights()),
    )


def test_a_picture_is_read_upright_as_rgb(tmp_path: Path) -> None:
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 2] = 255
    cv2.imwrite(str(tmp_path / "red.png"), red)
    picture = read_picture(tmp_path / "red.png")
    assert picture.shape == (20, 30, 3)
    assert picture[0, 0].tolist() == [255, 0, 0]


def test_what_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "some.jpg"
    with pytest.raises(PortraitError, match="No such file"):
        read_picture(path)
    path.write_text("hello")
    with pytest.raises(PortraitError, match=r"found something else in some\.jpg"):
        read_picture(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(PortraitError, match="30 MB"):
        read_picture(path)
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 60_000, 60_000)
    path.write_bytes(head + bytes(100))
    with pytest.raises(PortraitError, match="50 megapixels"):
        read_picture(path)


def test_head_and_shoulders_are_cut_from_a_large_picture() -> None:
    avatar = shipped("ava")
    large = cv2.resize(avatar.picture, None, fx=3, fy=3)
    wide = cv2.copyMakeBorder(large, 1500, 1500, 2000, 1000, cv2.BORDER_REPLICATE)
    picture, points = head_and_shoulders(
        np.asarray(wide, np.uint8), avatar.points * 3 + np.array([2000, 1500, 0], np.float32)
    )
    assert max(picture.shape[:2]) == avatar_file.LONGEST_SIDE
    assert face_height(points) > 0.2 * picture.shape[0]
    same = cv2.resize(
        avatar.picture,
        None,
        fx=face_height(points) / face_height(avatar.points),
        fy=face_height(points) / face_height(avatar.points),
    )
    x, y = points[4, :2].round().astype(int)
    u, v = (avatar.points[4, :2] * face_height(points) / face_height(avatar.points)).astype(int)
    error = (
        picture[y - 20 : y + 20, x - 20 : x + 20].astype(float)
        - same[v - 20 : v + 20, u - 20 : u + 20]
    )
    assert np.abs(error).mean() < 8


@pytest.mark.landmarker
@pytest.mark.parametrize("name", NAMES)
def test_a_portrait_becomes_an_avatar_that_can_be_kept(
    name: str, landmarker: Landmarker, tmp_path: Path
) -> None:
    known = shipped(name)
    avatar = enrolled(known.picture, landmarker)
    apart = np.linalg.norm(avatar.points[:, :2] - known.points[:, :2], axis=1)
    assert apart.max() < 3, "the same landmarks again, but for the JPEG"
    assert (avatar.mask == known.mask).mean() > 0.95
    assert np.abs(avatar.codes - known.codes).mean() < 0.1 * known.codes.std()
    avatar_file.save(avatar, tmp_path / "some.avatar")
    assert (tmp_path / "some.avatar").stat().st_size < 600_000
    assert avatar_file.load(tmp_path / "some.avatar").name == "somebody"


@pytest.mark.landmarker
def test_no_face_two_faces_and_a_small_one(landmarker: Landmarker) -> None:
    picture = shipped("ava").picture
    with pytest.raises(PortraitError, match="found none"):
        enrolled(np.full((300, 300, 3), 90, np.uint8), landmarker)
    with pytest.raises(PortraitError, match="more than one"):
        enrolled(np.hstack([picture, shipped("max").picture]), landmarker)
    small = cv2.resize(picture, (150, 150), interpolation=cv2.INTER_AREA)
    with pytest.raises(PortraitError, match="at least 100 pixels"):
        enrolled(np.asarray(small, np.uint8), landmarker)
