from __future__ import annotations

import io
import os
import sys

import pytest

from realtime.outputs.keys import TerminalKeys


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are Unix's")
def test_keys_come_without_enter_and_the_terminal_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with os.fdopen(theirs) as terminal, os.fdopen(ours, "wb", buffering=0) as user:
        monkeypatch.setattr(sys, "stdin", terminal)
        with TerminalKeys() as keys:
            assert keys.read() == []
            user.write(b"pm\x1b[A\x1bOD.")
            assert keys.read() == ["p", "m", "up", "left", "."]
        assert termios.tcgetattr(terminal) == before


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("q"))
    with TerminalKeys() as keys:
        assert not keys.read()
