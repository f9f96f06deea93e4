"""The avatars at hand: the shipped ones, files by path, and those enrolled while we run."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime import avatar_file
from realtime.avatar_file import Avatar
from realtime.errors import AvatarError


class Portraits(Protocol):
    """Avatars by name, to which those enrolled while we run are added."""

    def load(self, name: str) -> Avatar:
        """The avatar of that name; raises AvatarError if there is none, or it is damaged."""

    def add(self, avatar: Avatar) -> str:
        """Keeps an avatar; its name, numbered where another has it."""


class AvatarGallery:
    """Looks avatars up by name; `folder` holds the shipped ones."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.avatar"))}
        self._added: dict[str, Avatar] = {}

    def names(self) -> list[str]:
        """All names, shipped ones first."""
        return [*self._files, *self._added]

    def load(self, name: str) -> Avatar:
        """The avatar of that name; raises AvatarError if there is none, or it is damaged."""
        if name in self._added:
            return self._added[name]
        if name not in self._files:
            raise AvatarError(f"expected an avatar of {self.names()}, found no '{name}'")
        return avatar_file.load(self._files[name])

    def find(self, name_or_path: str) -> Avatar:
        """A shipped avatar by its name, or the file of that path; raises AvatarError."""
        if name_or_path in self._files:
            return self.load(name_or_path)
        path = Path(name_or_path)
        if not path.exists():
            raise AvatarError(
                f"expected an .avatar file or a name of {self.names()}, found no '{name_or_path}'"
            )
        return avatar_file.load(path)

    def named(self, name_or_path: str) -> str:
        """The name under which `load` gives that avatar from now on; raises AvatarError."""
        return name_or_path if name_or_path in self._files else self.add(self.find(name_or_path))

    def add(self, avatar: Avatar) -> str:
        """Keeps an avatar until we end; its name, numbered where another has it."""
        name, number = avatar.name, 2
        while name in self.names():
            name, number = f"{avatar.name} {number}", number + 1
        self._added[name] = avatar
        return name

    def picture(self, name: str) -> NDArray[np.uint8]:
        """The portrait, RGB uint8 [H, W, 3]; raises KeyError if there is no such avatar."""
        if name not in self.names():
            raise KeyError(name)
        return self.load(name).picture
