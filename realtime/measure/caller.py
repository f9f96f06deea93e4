"""What a measured call needs of who calls, and what that keeps: times in s of time.monotonic()."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Protocol


def _doubles() -> array[float]:
    return array("d")


@dataclass
class Record:
    """What went into a call and what came back. Arrays, as a long call must not look like a leak.

    `sent`: when each click went into the sending track. `pictures`, `numbers`: when each picture
    had been decoded, and its stamp. `loud_from`, `loud_to`: of each piece of sound that was loud,
    when its first and its last loud sample were heard.
    """

    sent: array[float] = field(default_factory=_doubles)
    pictures: array[float] = field(default_factory=_doubles)
    numbers: array[float] = field(default_factory=_doubles)
    loud_from: array[float] = field(default_factory=_doubles)
    loud_to: array[float] = field(default_factory=_doubles)


class Caller(Protocol):
    """A peer in a call that clicks, looks and listens until it is closed."""

    def record(self) -> Record:
        """Everything until now."""

    def hum(self, on: bool) -> None:
        """A tone instead of the clicks, or the clicks again."""

    def say(self, message: dict[str, object]) -> float:
        """Sends a message of the control channel: when it left, s."""
