"""A moving head: the film goes on without end, and only the lower face is spoken anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from realtime.backdrop import Blur
from realtime.engine import Engine
from realtime.errors import AvatarError
from realtime.head_pose import HeadPose
from realtime.moving_head import MovingHead
from tests.avatars import SIDE, filmed_avatar, untrained_networks
from tests.test_engine import noise, run, same

STILL = np.zeros((478, 3), np.float32)


def moving_head() -> MovingHead:
    film = filmed_avatar().film
    assert film is not None
    return MovingHead(film, (SIDE, SIDE))


def test_it_begins_again_at_its_end() -> None:
    head = moving_head()
    shown = [head.show(HeadPose(), STILL, 0.0).astype(int) for _ in range(9)]
    assert np.array_equal(shown[0], shown[4])
    assert np.array_equal(shown[1], shown[5])
    assert not np.array_equal(shown[0], shown[1])


def test_above_the_nose_the_film_is_shown_as_it_is() -> None:
    avatar = filmed_avatar()
    shown = moving_head().show(HeadPose(), STILL, 0.0)
    error = np.abs(shown[:120].astype(int) - avatar.picture[:120])
    assert error.mean() < 8, "H.264 blurs the drawn blocks"


def test_speech_moves_the_lower_face_alone() -> None:
    motion = STILL.copy()
    motion[:, 1] = 0.1
    still, moved = (moving_head().show(HeadPose(), each, 0.0) for each in (STILL, motion))
    assert np.array_equal(still[:120], moved[:120])
    assert not np.array_equal(still[200:], moved[200:])


def test_an_engine_shows_it_repeatably_and_in_any_size() -> None:
    networks, avatar, sound = untrained_networks(), filmed_avatar(), noise(8)
    one, other = (run(Engine(networks, avatar, size=(256, 192)), sound) for _ in range(2))
    assert one[0].image.shape == (192, 256, 3)
    assert same(one, other)


def test_a_habit_moves_the_lips() -> None:
    networks, avatar = untrained_networks(), filmed_avatar()
    film = avatar.film
    assert film is not None
    habit = np.eye(17, 16, dtype=np.float32)
    habit[-1] = 1
    smiling = replace(avatar, film=replace(film, face=replace(film.face, habit=habit)))
    sound = noise(8)
    assert not same(*(run(Engine(networks, each), sound) for each in (avatar, smiling)))


def test_another_background_is_refused_in_words() -> None:
    with pytest.raises(AvatarError, match="a portrait to show before a background"):
        Engine(untrained_networks(), filmed_avatar(), background=Blur())
    engine = Engine(untrained_networks(), filmed_avatar())
    with pytest.raises(AvatarError, match="a portrait"):
        engine.changed(replace(engine.outfit, background=Blur()))
