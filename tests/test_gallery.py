"""The gallery: shipped avatars, files, and those enrolled while we run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime import avatar_file
from realtime.errors import AvatarError
from realtime.gallery import AvatarGallery
from tests.avatars import drawn_avatar


@pytest.fixture
def gallery(tmp_path: Path) -> AvatarGallery:
    avatar_file.save(drawn_avatar(), tmp_path / "shipped.avatar")
    return AvatarGallery(tmp_path)


def test_names_and_paths_are_found(gallery: AvatarGallery, tmp_path: Path) -> None:
    assert gallery.names() == ["shipped"]
    assert gallery.find("shipped").name == "drawn"
    assert gallery.find(str(tmp_path / "shipped.avatar")).name == "drawn"
    assert np.array_equal(gallery.picture("shipped"), gallery.load("shipped").picture)


def test_added_ones_come_last_and_twins_are_numbered(gallery: AvatarGallery) -> None:
    assert gallery.add(drawn_avatar()) == "drawn"
    assert gallery.add(drawn_avatar()) == "drawn 2"
    assert gallery.names() == ["shipped", "drawn", "drawn 2"]


def test_unknown_ones_are_told(gallery: AvatarGallery) -> None:
    with pytest.raises(AvatarError, match="nobody"):
        gallery.find("nobody")
    with pytest.raises(AvatarError, match="'drawn'"):
        gallery.load("drawn")
    with pytest.raises(KeyError):
        gallery.picture("drawn")
