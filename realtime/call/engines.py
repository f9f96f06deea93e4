"""What a caller may choose, and who makes the engine for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from realtime.backdrop import background
from realtime.clock import LOOKAHEADS_MS
from realtime.frame import Steps
from realtime.manner import Manner

MAX_NAME = 100
# Even sides, as both video codecs want them.
_SIDES = range(64, 1281, 2)


@dataclass(frozen=True)
class EngineRequest:
    """An avatar by name, its lookahead in ms, the size of its frames in px, and how it looks.

    background: words of `realtime.backdrop.background`, or a picture's file. colours: the palette's
    name for each part that is not left as it was. manner: the avatar's own if None. Raises
    ValueError if the lookahead is not one of LOOKAHEADS_MS, the size cannot be sent, or the words
    mean nothing.
    """

    avatar: str
    lookahead_ms: int = 80
    size: tuple[int, int] = (512, 512)
    background: str | bytes = "none"
    colours: Mapping[str, str] = field(default_factory=dict)
    manner: Manner | None = None

    def __post_init__(self) -> None:
        if self.lookahead_ms not in LOOKAHEADS_MS:
            raise ValueError(
                f"expected a lookahead of {LOOKAHEADS_MS} ms, found {self.lookahead_ms}"
            )
        if any(side not in _SIDES for side in self.size):
            raise ValueError(f"expected even sides of 64 to 1280 px, found {self.size}")
        if not 0 < len(self.avatar) <= MAX_NAME:
            raise ValueError(f"expected an avatar's name, found {len(self.avatar)} characters")
        if isinstance(self.background, str):
            background(self.background)


class MakeEngine(Protocol):
    """Makes the engines of calls; called in any thread."""

    def __call__(self, request: EngineRequest, before: Steps | None = None) -> Steps:
        """The engine asked for, which goes on with the talk of the one `before`, if it can.

        Raises a SegTalkerError, told to the caller as it is, if there is no such avatar or it
        cannot look so.
        """
