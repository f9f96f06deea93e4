from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.backdrop import COLOURS
from realtime.call.engines import EngineRequest
from realtime.commands.common import ASSETS
from realtime.commands.scenery import callers_scenery
from realtime.commands.studio import Studio
from realtime.enroll.fitting import FittingRoom
from realtime.errors import InputError
from realtime.gallery import AvatarGallery
from realtime.manner import Manner
from realtime.models.face_parser import load_parser
from realtime.models.renderer import Backend
from realtime.picture_bytes import encode_png
from tests.avatars import untrained_networks

PARSER, GALLERY = load_parser(), AvatarGallery(ASSETS)
SIZE = 128, 128


def studio() -> Studio:
    return Studio(untrained_networks(), GALLERY, PARSER, Backend())


def test_what_was_not_changed_is_not_made_anew() -> None:
    make = studio()
    first = make(EngineRequest("ava", size=SIZE))
    assert first.outfit.manner == first.outfit.avatar.manner
    turned = make(EngineRequest("ava", size=SIZE, manner=Manner(yaw=3.0)), first)
    assert turned._look is first._look
    assert turned.outfit.manner == Manner(yaw=3.0)
    red = make(EngineRequest("ava", size=SIZE, colours={"lips": "red"}), turned)
    assert red.outfit.avatar.edits == ("lips as red, strength 1",)
    assert red._talk is first._talk
    blue = make(EngineRequest("ava", size=SIZE, colours={"lips": "red"}, background="blue"), red)
    assert blue.outfit.avatar is red.outfit.avatar
    sooner = make(EngineRequest("ava", 0, SIZE), blue)
    assert sooner._talk is not first._talk


@pytest.mark.parametrize("colours", [{"lips": "mauve"}, {"teeth": "red"}])
def test_colours_there_are_not_are_refused(colours: dict[str, str]) -> None:
    with pytest.raises(InputError, match="expected"):
        studio()(EngineRequest("ava", size=SIZE, colours=colours))


def test_a_background_that_is_no_picture_is_refused() -> None:
    with pytest.raises(InputError, match="JPEG, PNG or WebP"):
        studio()(EngineRequest("ava", size=SIZE, background=b"hello"))


def test_callers_begin_with_words_or_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(encode_png(np.full((20, 20, 4), 200, np.uint8)).tobytes())
    assert callers_scenery("blur=0.2") == "blur=0.2"
    assert callers_scenery("blue") == COLOURS["blue"]
    assert isinstance(callers_scenery(str(picture)), bytes)


def test_small_pictures_show_a_colour() -> None:
    room = FittingRoom(GALLERY, PARSER)
    assert {"lips", "hair"} <= room.colours().keys()
    red, nude = (room.picture("ava", "lips", name).astype(int) for name in ("red", "nude"))
    assert red.shape == (192, 192, 3)
    assert np.abs(red - nude).max() > 30
