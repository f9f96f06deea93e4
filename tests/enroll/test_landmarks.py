from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from realtime.enroll import landmarks
from realtime.enroll.landmarks import (
    MODEL_BYTES,
    MODEL_NAME,
    Landmarker,
    find_model,
    portrait_points,
)
from realtime.errors import ModelError, PortraitError
from realtime.face import Points
from tests.faces import drawn_face

PICTURE = np.zeros((400, 400, 3), np.uint8)


class Seen:
    """A landmarker that sees what the test says."""

    def __init__(self, *faces: tuple[Points, float]) -> None:
        self._faces = list(faces)

    def faces(self, _: object) -> list[tuple[Points, float]]:
        return self._faces


def face(scale: float = 1.0, x: float = 0.0) -> Points:
    flat = drawn_face() * scale + np.array([x, 0])
    return np.column_stack([flat, np.zeros(len(flat))]).astype(np.float32)


def refused(*faces: tuple[Points, float]) -> str:
    with pytest.raises(PortraitError) as caught:
        portrait_points(cast(Landmarker, Seen(*faces)), PICTURE)
    return str(caught.value)


def test_one_good_face() -> None:
    points = portrait_points(cast(Landmarker, Seen((face(), 12.0))), PICTURE)
    np.testing.assert_array_equal(points, face())


def test_what_is_refused_is_said_in_a_sentence() -> None:
    assert refused() == "expected exactly one face, found none"
    assert refused((face(), 0), (face(0.5), 0)) == "expected exactly one face, found more than one"
    assert "turned by 41 degrees" in refused((face(), -41.0))
    assert "found 83 pixels" in refused((face(0.4), 0))
    assert "cut by the border" in refused((face(x=200), 0))


@pytest.fixture
def model_bytes(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Stands for the model: the checks compare with its hash."""
    data = bytes(MODEL_BYTES)
    digest = hashlib.sha256(data).hexdigest()
    monkeypatch.setattr(landmarks, "MODEL_SHA256", digest)
    return data


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def test_the_order_in_which_the_model_is_looked_for(
    tmp_path: Path, model_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    given, named = tmp_path / "given.task", tmp_path / "named.task"
    cached = tmp_path / "segtalker-live" / MODEL_NAME
    cached.parent.mkdir()
    for path in (given, named, cached):
        path.write_bytes(model_bytes)
    environment = {"XDG_CACHE_HOME": str(tmp_path), "AVATAR_LANDMARKER": str(named)}
    assert find_model(given, environment) == given
    assert find_model(None, environment) == named
    assert find_model(None, {"XDG_CACHE_HOME": str(tmp_path)}) == cached


def test_a_missing_and_a_foreign_model(tmp_path: Path) -> None:
    path = tmp_path / "model.task"
    with pytest.raises(ModelError, match="No such file"):
        find_model(path, {})
    path.write_bytes(bytes(MODEL_BYTES))
    with pytest.raises(ModelError, match="another file"):
        find_model(path, {})


def test_without_network_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    with pytest.raises(ModelError, match=r"https://storage.*--landmarker or AVATAR_LANDMARKER"):
        find_model(None, {"XDG_CACHE_HOME": str(tmp_path)})


def test_a_download_is_kept_only_if_it_is_the_model(
    tmp_path: Path, model_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"a login page"))
    with pytest.raises(ModelError, match="another file"):
        find_model(None, environment)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(model_bytes))
    path = find_model(None, environment)
    assert path.read_bytes() == model_bytes
    assert list(path.parent.iterdir()) == [path]
