from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import Any

import pytest

from realtime.errors import AvatarError
from realtime.frame import Steps
from realtime.outputs.wardrobe import Look, Wardrobe
from tests.engines import EchoEngine
from tests.outputs.at_once import AtOnce


class Busy(Executor):
    """Never begins."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return Future()


def wardrobe(executor: Executor, *avatars: str) -> tuple[Wardrobe, list[Look], list[str]]:
    made, told = list[Look](), list[str]()

    def dress(look: Look) -> Steps:
        if look.avatar == "broken":
            raise AvatarError("expected a whole file, found half of one")
        made.append(look)
        return EchoEngine()

    return Wardrobe(dress, avatars, executor, told.append), made, told


def test_avatars_and_backgrounds_go_round() -> None:
    clothes, made, _ = wardrobe(AtOnce(), "ava", "max")
    for wish in [clothes.next_avatar, clothes.next_background, clothes.next_avatar]:
        wish()
        assert clothes.changed() is not None
    clothes.next_background()
    clothes.changed()
    assert made == [Look("max"), Look("max", "blur"), Look("ava", "blur"), Look("ava")]
    assert clothes.look == Look("ava")
    assert clothes.changed() is None


def test_while_one_is_made_the_call_goes_on_and_no_other_is_begun() -> None:
    clothes, _, _ = wardrobe(Busy(), "ava", "max", "mia")
    clothes.next_avatar()
    clothes.next_avatar()
    assert clothes.preparing
    assert clothes.changed() is None
    assert clothes.look == Look("ava")


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
    assert clothes.look == Look("ava")


def test_a_fault_of_the_program_is_not_hidden() -> None:
    def dress(_: Look) -> Steps:
        raise ZeroDivisionError

    clothes = Wardrobe(dress, ["ava", "max"], AtOnce(), print)
    clothes.next_avatar()
    with pytest.raises(ZeroDivisionError):
        clothes.changed()
