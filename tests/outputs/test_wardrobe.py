from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import Any

import pytest

from realtime.backdrop import Blur
from realtime.commands.common import ASSETS
from realtime.engine import Engine
from realtime.errors import AvatarError
from realtime.frame import Steps
from realtime.gallery import AvatarGallery
from realtime.manner import GREATEST_YAW, Manner
from realtime.outputs.wardrobe import Clothes, Wardrobe, Wish, dresser
from tests.avatars import drawn_avatar, untrained_networks
from tests.engines import EchoEngine
from tests.outputs.at_once import AtOnce


class Busy(Executor):
    """Never begins."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return Future()


def wardrobe(executor: Executor, *avatars: str) -> tuple[Wardrobe, list[Wish], list[str]]:
    made, told = list[Wish](), list[str]()

    def dress(wish: Wish) -> Steps:
        if wish.avatar == "broken":
            raise AvatarError("expected a whole file, found half of one")
        made.append(wish)
        return EchoEngine()

    return Wardrobe(Clothes(dress, avatars), executor, told.append), made, told


def test_avatars_and_backgrounds_go_round() -> None:
    clothes, made, _ = wardrobe(AtOnce(), "ava", "max")
    for wish in [clothes.next_avatar, clothes.next_background, clothes.next_avatar]:
        wish()
        assert clothes.changed() is not None
    clothes.next_background()
    clothes.changed()
    assert made == [Wish("max"), Wish("max", "blur"), Wish("ava", "blur"), Wish("ava", "none")]
    assert clothes.wish == Wish("ava")
    assert clothes.changed() is None


def test_while_one_is_made_the_call_goes_on_and_no_other_is_begun() -> None:
    clothes, _, _ = wardrobe(Busy(), "ava", "max", "mia")
    clothes.next_avatar()
    clothes.next_avatar()
    assert clothes.preparing
    assert clothes.changed() is None
    assert clothes.wish == Wish("ava")


def test_an_only_avatar_stays() -> None:
    clothes, made, _ = wardrobe(AtOnce(), "ava")
    clothes.next_avatar()
    assert clothes.changed() is None
    assert made == []


def test_a_look_that_cannot_be_made_is_told_and_the_one_before_stays() -> None:
    clothes, _, told = wardrobe(AtOnce(), "ava", "broken")
    clothes.next_avatar()
    assert clothes.changed() is None
    assert told == ["expected a whole file, found half of one; ava stays"]
    assert clothes.wish == Wish("ava")


def test_a_fault_of_the_program_is_not_hidden() -> None:
    def dress(_: Wish) -> Steps:
        raise ZeroDivisionError

    clothes = Wardrobe(Clothes(dress, ["ava", "max"]), AtOnce(), print)
    clothes.next_avatar()
    with pytest.raises(ZeroDivisionError):
        clothes.changed()


def test_the_head_is_turned_as_far_as_it_goes_and_back() -> None:
    clothes, made, _ = wardrobe(AtOnce(), "ava")
    for _ in range(3):
        clothes.turn(6.0, 0.0, -1.0)
        clothes.changed()
    assert made[-1].turn == (GREATEST_YAW, 0.0, -3.0)
    clothes.face_front()
    clothes.changed()
    assert made[-1] == Wish("ava")


def test_what_stays_of_a_look_is_not_made_again() -> None:
    engine = Engine(untrained_networks(), drawn_avatar(), size=(128, 128))
    backgrounds = {"none": None, "blur": Blur()}
    dress = dresser(engine, "drawn", AvatarGallery(ASSETS), backgrounds)
    turned = dress(Wish("drawn", turn=(2.0, 0.0, 0.0)))
    assert turned._look is engine._look
    assert turned.outfit.manner == Manner(yaw=2.0)
    other = dress(Wish("max", "blur"))
    assert other.outfit.avatar.name == "max"
    assert other.outfit.background is backgrounds["blur"]
    assert dress(Wish("max")).outfit.avatar is other.outfit.avatar
