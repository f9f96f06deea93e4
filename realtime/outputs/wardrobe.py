"""Another look during a call: made beside it, worn from one frame to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from realtime.backdrop import Background
from realtime.engine import Engine, Outfit
from realtime.errors import SegTalkerError
from realtime.frame import Steps
from realtime.gallery import AvatarGallery
from realtime.manner import TURNS, Manner

T = TypeVar("T")


@dataclass(frozen=True)
class Wish:
    """An avatar and what is behind it, by their names; turn: by how many degrees of yaw, pitch and
    roll the head is held from how it usually is."""

    avatar: str
    background: str = "none"
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __str__(self) -> str:
        behind = "own" if self.background == "none" else self.background
        held = ", ".join(
            f"{name} {angle:+g}°" for name, angle in zip(TURNS, self.turn, strict=True) if angle
        )
        return f"{self.avatar}, {behind} background" + (f", {held}" if held else "")


# The engine that goes on with the talk under way as wished. Raises a SegTalkerError if there is no
# such avatar, or it is damaged.
Dress = Callable[[Wish], Steps]


def dresser(
    engine: Engine, avatar: str, gallery: AvatarGallery, backgrounds: Mapping[str, Background]
) -> Callable[[Wish], Engine]:
    """Other looks for what `engine` talks, which shows `avatar`; one is made at a time."""
    worn = engine, avatar

    def dress(wish: Wish) -> Engine:
        nonlocal worn
        engine, avatar = worn
        shown = engine.outfit.avatar if wish.avatar == avatar else gallery.load(wish.avatar)
        outfit = Outfit(shown, backgrounds[wish.background], shown.manner.turned(*wish.turn))
        worn = engine.changed(outfit), wish.avatar
        return worn[0]

    return dress


@dataclass(frozen=True)
class Clothes:
    """What there is to choose from, the call's first look first."""

    dress: Dress
    avatars: Sequence[str]
    backgrounds: Sequence[str] = ("none", "blur")


class Wardrobe:
    """Lets `executor` make other looks, one at a time: meanwhile further wishes are ignored.

    A look that cannot be made is told to `report`, and the one before stays.
    """

    def __init__(self, clothes: Clothes, executor: Executor, report: Callable[[str], None]) -> None:
        self._clothes = clothes
        self._executor = executor
        self._report = report
        self._next: tuple[Wish, Future[Steps]] | None = None
        self.wish = Wish(clothes.avatars[0], clothes.backgrounds[0])

    def next_avatar(self) -> None:
        self._want(replace(self.wish, avatar=_after(self._clothes.avatars, self.wish.avatar)))

    def next_background(self) -> None:
        behind = _after(self._clothes.backgrounds, self.wish.background)
        self._want(replace(self.wish, background=behind))

    def turn(self, yaw: float, pitch: float, roll: float) -> None:
        """Holds the head so many degrees further, as far as it is turned."""
        turned = Manner().turned(*np.add(self.wish.turn, (yaw, pitch, roll)).tolist())
        self._want(replace(self.wish, turn=(turned.yaw, turned.pitch, turned.roll)))

    def face_front(self) -> None:
        """Holds the head as it usually is."""
        self._want(replace(self.wish, turn=(0.0, 0.0, 0.0)))

    def _want(self, wish: Wish) -> None:
        if self._next is None and wish != self.wish:
            self._next = wish, self._executor.submit(self._clothes.dress, wish)

    def changed(self) -> Steps | None:
        """The engine of another look, once it is made; never waits."""
        if self._next is None or not self._next[1].done():
            return None
        (wish, future), self._next = self._next, None
        try:
            engine = future.result()
        except SegTalkerError as error:
            self._report(f"{error}; {self.wish.avatar} stays")
            return None
        self.wish = wish
        return engine

    @property
    def preparing(self) -> bool:
        return self._next is not None


def _after(row: Sequence[T], item: T) -> T:
    return row[(row.index(item) + 1) % len(row)]
