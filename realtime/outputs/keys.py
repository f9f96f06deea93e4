"""Single keys from the terminal, without Enter."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Protocol, Self


class Keys(Protocol):
    """What the user wants, letter by letter."""

    def read(self) -> str:
        """The keys pressed since the last call; never waits."""


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

    def read(self) -> str:
        if not sys.stdin.isatty():
            return ""
        return _waiting_keys()


if sys.platform == "win32":

    def _waiting_keys() -> str:
        import msvcrt

        keys = ""
        while msvcrt.kbhit():
            keys += msvcrt.getwch()
        return keys

else:

    def _waiting_keys() -> str:
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return os.read(sys.stdin.fileno(), 64).decode(errors="ignore") if ready else ""
