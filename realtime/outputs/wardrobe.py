"""Another avatar or background during a call: made beside it, worn from one frame to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from realtime.backdrop import Blur
from realtime.engine import Engine
from realtime.errors import SegTalkerError
from realtime.frame import Steps
from realtime.gallery import AvatarGallery

T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """An avatar by its name, and what is behind it: the photograph's own, or that blurred."""

    avatar: str
    background: Literal["blur"] | None = None

    def __str__(self) -> str:
        return f"{self.avatar}, {self.background or 'own'} background"


# The engine that goes on with the talk under way in another look. Raises a SegTalkerError if
# there is no such avatar, or it is damaged.
Dress = Callable[[Look], Steps]


def dresser(engine: Engine, gallery: AvatarGallery) -> Dress:
    """Other looks for what `engine` talks."""

    def dress(look: Look) -> Engine:
        avatar = gallery.load(look.avatar)
        return engine.changed(avatar, Blur() if look.background else None, avatar.manner)

    return dress


class Wardrobe:
    """Lets `executor` make other looks, one at a time: meanwhile further wishes are ignored.

    The call begins as the first of `avatars` on its own background. A look that cannot be made is
    told to `report`, and the one before stays.
    """

    def __init__(
        self,
        dress: Dress,
        avatars: Sequence[str],
        executor: Executor,
        report: Callable[[str], None],
    ) -> None:
        self._dress = dress
        self._avatars = avatars
        self._executor = executor
        self._report = report
        self._next: tuple[Look, Future[Steps]] | None = None
        self.look = Look(avatars[0])

    def next_avatar(self) -> None:
        self._want(replace(self.look, avatar=_after(self._avatars, self.look.avatar)))

    def next_background(self) -> None:
        self._want(replace(self.look, background=None if self.look.background else "blur"))

    def _want(self, look: Look) -> None:
        if self._next is None and look != self.look:
            self._next = look, self._executor.submit(self._dress, look)

    def changed(self) -> Steps | None:
        """The engine of another look, once it is made; never waits."""
        if self._next is None or not self._next[1].done():
            return None
        (look, future), self._next = self._next, None
        try:
            engine = future.result()
        except SegTalkerError as error:
            self._report(f"{error}; {self.look.avatar} stays")
            return None
        self.look = look
        return engine

    @property
    def preparing(self) -> bool:
        return self._next is not None


def _after(row: Sequence[T], item: T) -> T:
    return row[(row.index(item) + 1) % len(row)]
