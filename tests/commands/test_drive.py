"""Every portrait says every sound."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from realtime.avatar_file import Avatar
from realtime.commands.common import ASSETS
from realtime.errors import PortraitError
from realtime.frame import Picture
from realtime.gallery import AvatarGallery
from realtime.models.networks import Networks
from realtime.picture_bytes import encode_jpeg
from run_avatar import main


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Two portraits, of which the dark one is refused, a voice, and where the videos go."""
    portraits, voices = tmp_path / "portraits", tmp_path / "voices"
    (portraits / "group").mkdir(parents=True)
    voices.mkdir()
    for path, light in ((portraits / "group" / "her.jpg", 200), (portraits / "dark.jpg", 0)):
        path.write_bytes(encode_jpeg(np.full((64, 64, 3), light, np.uint8)).tobytes())
    (portraits / "notes.txt").write_text("not a picture")
    with wave.open(str(voices / "hello.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(0).normal(0, 3000, 3200).astype("<i2").tobytes())

    def enroll(_: Networks, picture: Picture, *__: object) -> Avatar:
        if picture.mean() < 100:
            raise PortraitError("expected a face, found none")
        return AvatarGallery(ASSETS).find("ava")

    monkeypatch.setattr("realtime.commands.drive.enroll_portrait", enroll)
    return portraits, voices, tmp_path / "videos"


def drive(folders: tuple[Path, Path, Path], *more: str) -> int:
    portraits, voices, out = map(str, folders)
    return main(["drive", portraits, voices, "--out", out, "--size", "128x128", *more])


def test_writes_what_is_missing_and_names_who_was_refused(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert drive(folders, "--i-have-consent") == 0
    (video,) = folders[2].iterdir()
    assert video.name == "group_her-hello.mp4"
    assert "dark.jpg: expected a face, found none" in capsys.readouterr().out
    written = video.stat().st_mtime_ns
    assert drive(folders, "--i-have-consent") == 0
    assert video.stat().st_mtime_ns == written


def test_wants_consent_and_something_to_do(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert drive(folders) == 1
    assert "expected --i-have-consent" in capsys.readouterr().err
    (folders[1] / "hello.wav").unlink()
    assert drive(folders, "--i-have-consent") == 1
    assert "found 2 and 0" in capsys.readouterr().err
