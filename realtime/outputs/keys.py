"""Single keys from the terminal, without Enter."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol, Self

ARROWS = ("up", "down", "right", "left")
# What terminals send for them, Windows' last.
_SENT = re.compile(r"(?:\x1b[\[O]|\xe0)(?P<arrow>[ABCDHPMK])|(?P<key>.)", re.DOTALL)
_LAST = "ABCDHPMK"


class Keys(Protocol):
    """What the user wants, key by key."""

    def read(self) -> Sequence[str]:
        """The keys pressed since the last call, the arrows as ARROWS; never waits."""


class TerminalKeys:
    """Keys of the terminal we run in, while entered; none when standard input is no terminal."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        if sys.platform != "win32" and sys.stdin.isatty():
            import termios
            import tty

            before = termios.tcgetattr(sys.stdin)
            self._undo.callback(termios.tcsetattr, sys.stdin, termios.TCSADRAIN, before)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def read(self) -> Sequence[str]:
        return _keys(_waiting()) if sys.stdin.isatty() else ()


def _keys(sent: str) -> list[str]:
    found = _SENT.finditer(sent)
    return [match["key"] or ARROWS[_LAST.index(match["arrow"]) % len(ARROWS)] for match in found]


if sys.platform == "win32":

    def _waiting() -> str:
        import msvcrt

        keys = ""
        while msvcrt.kbhit():
            keys += msvcrt.getwch()
        return keys

else:

    def _waiting() -> str:
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return os.read(sys.stdin.fileno(), 64).decode(errors="ignore") if ready else ""
