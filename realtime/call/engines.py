"""What a caller may choose, and who makes the engine for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from realtime.clock import LOOKAHEADS_MS
from realtime.frame import Steps

Blur = Literal["blur"]
MAX_NAME = 100
# Even sides, as both video codecs want them.
_SIDES = range(64, 1281, 2)


@dataclass(frozen=True)
class EngineRequest:
    """An avatar by name, its lookahead in ms, the size of its frames in px, its background.

    Raises ValueError if the lookahead is not one of LOOKAHEADS_MS or the size cannot be sent.
    """

    avatar: str
    lookahead_ms: int = 80
    size: tuple[int, int] = (512, 512)
    background: Blur | None = None

    def __post_init__(self) -> None:
        if self.lookahead_ms not in LOOKAHEADS_MS:
            raise ValueError(
                f"expected a lookahead of {LOOKAHEADS_MS} ms, found {self.lookahead_ms}"
            )
        if any(side not in _SIDES for side in self.size):
            raise ValueError(f"expected even sides of 64 to 1280 px, found {self.size}")
        if not 0 < len(self.avatar) <= MAX_NAME:
            raise ValueError(f"expected an avatar's name, found {len(self.avatar)} characters")


# Raises a SegTalkerError, told to the caller as it is, if there is no such avatar.
MakeEngine = Callable[[EngineRequest], Steps]
