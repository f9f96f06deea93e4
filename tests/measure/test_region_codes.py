from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.enroll.portrait import read_picture
from realtime.errors import InputError
from realtime.frame import Picture
from realtime.measure.region_codes import codes_of, enrolled, plot, silhouette
from realtime.picture_bytes import encode_jpeg
from tests.avatars import drawn_avatar


def gathered(spread: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    regions = np.repeat(np.arange(4, dtype=np.uint8), 12)
    centres = random.normal(size=(4, 64))
    codes = centres[regions] + spread * random.normal(size=(48, 64))
    return codes.astype(np.float32), regions


def test_codes_that_lie_together_score_higher() -> None:
    assert silhouette(*gathered(0.1)) > 0.8 > 0.3 > silhouette(*gathered(3.0))


def test_the_picture_of_the_codes_is_written(tmp_path: Path) -> None:
    plot(*gathered(0.1), tmp_path / "codes.png")
    assert read_picture(tmp_path / "codes.png").shape[2] == 3


def test_only_regions_that_are_shown_have_codes(tmp_path: Path) -> None:
    avatar = drawn_avatar()
    (tmp_path / "me.jpg").write_bytes(encode_jpeg(avatar.picture).tobytes())

    def enroll(picture: Picture, name: str) -> object:
        assert (picture.shape, name) == (avatar.picture.shape, "me")
        return avatar

    codes, regions = codes_of(enrolled(tmp_path, enroll))  # type: ignore[arg-type]
    assert set(regions) == set(np.unique(avatar.mask))
    assert codes.shape == (len(regions), 64)


def test_a_folder_without_portraits_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none"):
        enrolled(tmp_path, lambda picture, name: drawn_avatar())  # noqa: ARG005
