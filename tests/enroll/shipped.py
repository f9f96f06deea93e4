"""The shipped avatars, as portraits for tests."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from realtime import avatar_file
from realtime.avatar_file import Avatar

NAMES = ("ava", "max")


@cache
def shipped(name: str) -> Avatar:
    return avatar_file.load(Path(str(files("realtime") / "assets" / f"{name}.avatar")))
