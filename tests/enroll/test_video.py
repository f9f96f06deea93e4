"""Enrolment of a video: what is shown, what is kept, and a whole one."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from realtime.enroll.filmed import lip_codes, told, track
from realtime.enroll.landmarks import Landmarker
from realtime.enroll.video import _calmest, _smaller, _various, enroll_video
from realtime.errors import PortraitError
from realtime.models.syncnet import SyncNet
from tests.avatars import untrained_networks
from tests.enroll.shipped import shipped
from tests.faces import drawn_face
from tests.test_engine import noise

SECONDS = 6


def spoken_video(path: Path, seconds: int) -> Path:
    """The shipped portrait going to and fro, with noise for a voice."""
    picture = shipped("ava").picture[::2, ::2]
    picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.height, video.width = picture.shape[:2]
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=16000, layout="mono")
        for n in range(25 * seconds):
            shifted = np.roll(picture, round(6 * np.sin(n / 10)), 1)
            container.mux(video.encode(av.VideoFrame.from_ndarray(shifted, format="rgb24")))
        sound = av.AudioFrame.from_ndarray(noise(25 * seconds)[None], format="s16", layout="mono")
        sound.sample_rate = 16000
        container.mux(audio.encode(sound))
        container.mux(video.encode())
        container.mux(audio.encode())
    return path


@pytest.mark.landmarker
def test_a_video_becomes_a_moving_head(tmp_path: Path, landmarker: Landmarker) -> None:
    path = spoken_video(tmp_path / "ava.mp4", SECONDS)
    looked = []
    avatar = enroll_video(
        path,
        untrained_networks(),
        SyncNet().eval(),
        landmarker,
        lambda picture: shipped("ava") if picture.shape[2] == 3 else shipped("max"),
        lambda: looked.append(1),
    )
    film = avatar.film
    assert film is not None
    assert len(looked) == 25 * SECONDS
    assert len(film.places) == 2 * 25 * SECONDS - 2
    steps = np.abs(np.diff(film.places[:, 0, 3], append=film.places[0, 0, 3]))
    assert steps.max() < 3, "the loop never jumps"
    assert 1 < len(film.face.mouths.pictures) <= 128
    assert np.abs(film.places[0, :, :3]).max() > 20, "an eye distance is some tens of pixels"


@pytest.mark.landmarker
def test_too_short_a_video_is_refused(tmp_path: Path, landmarker: Landmarker) -> None:
    path = spoken_video(tmp_path / "ava.mp4", 2)
    with pytest.raises(PortraitError, match=r"5 s to 5 min of video, found 2 s"):
        enroll_video(
            path,
            untrained_networks(),
            SyncNet().eval(),
            landmarker,
            lambda _: shipped("ava"),
            lambda: None,
        )


class Faces:
    """A landmarker that loses the face in some pictures."""

    def __init__(self, lost: set[int]) -> None:
        self._lost, self._index = lost, -1

    def faces(self, _: object) -> list[tuple[np.ndarray, float]]:
        self._index += 1
        points = np.full((478, 3), self._index, np.float32)
        return [] if self._index in self._lost else [(points, 0.0)]


def test_a_face_lost_for_a_moment_stays_where_it_was() -> None:
    points = track(Faces({0, 5}), [np.zeros((4, 4, 3), np.uint8)] * 20)  # type: ignore[arg-type]
    assert points[:, 0, 0].tolist() == [1, 1, 2, 3, 4, 4, *range(6, 20)]


def test_a_face_often_lost_is_refused() -> None:
    with pytest.raises(PortraitError, match="found 3 of 20 without"):
        track(Faces({1, 2, 3}), [np.zeros((4, 4, 3), np.uint8)] * 20)  # type: ignore[arg-type]


def test_what_is_shown_is_where_the_head_turns_least() -> None:
    away = np.full(1000, 10.0)
    away[400:650] = 1
    assert _calmest(away) == range(400, 650)
    assert _calmest(away[:100]) == range(100)


def test_the_mouths_kept_are_unlike_each_other() -> None:
    track = np.stack([drawn_face(gap) for gap in np.repeat([0.0, 12.0, 24.0], 100)])
    chosen = _various(track)
    assert {0, 100, 200} <= {100 * (i // 100) for i in chosen}
    assert len(chosen) <= 128


def test_pictures_are_cut_to_even_sides() -> None:
    assert _smaller(np.zeros((101, 75, 3), np.uint8), 1.0).shape == (100, 74, 3)


def test_lip_codes_are_those_of_the_frames_and_not_of_the_delay() -> None:
    networks, sound = untrained_networks(), noise(12)
    codes = lip_codes(networks, sound, 12)
    assert codes.shape == (12, 16)
    habit = np.eye(17, 16, dtype=np.float32)
    habit[-1] = 1
    added = lip_codes(networks, sound, 12, habit) - codes
    assert added.max() > 0


def test_what_sound_tells_is_the_codes_and_to_tune_the_phones_of_its_own_frames() -> None:
    networks, sound = untrained_networks(), noise(12)
    plain, tuning = (told(networks, sound, 12, tune=tune) for tune in (False, True))
    np.testing.assert_array_equal(plain, tuning[:, :16])
    np.testing.assert_allclose(tuning[:, 16:].sum(1), 1, atol=1e-5)
    cut = told(networks, sound[: 8 * 640], 12, tune=False)
    np.testing.assert_allclose(cut[:6], plain[:6], atol=1e-5)
    assert not np.allclose(cut[6], plain[6], atol=1e-5)
