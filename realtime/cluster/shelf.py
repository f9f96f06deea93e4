"""What a cluster shares: portraits enrolled while it runs, by content hash, and its secret."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from realtime import avatar_file
from realtime.avatar_file import Avatar
from realtime.errors import AvatarError
from realtime.gallery import AvatarGallery


class Shelf:
    """What Ray runs as one actor of the cluster. A file's bytes lie once in the object store."""

    def __init__(self, load_weights: Callable[[], object]) -> None:
        self._weights = ray.put(load_weights())
        self._secret = secrets.token_bytes(32)
        self._files: dict[str, ray.ObjectRef[bytes]] = {}
        self._names: dict[str, str] = {}

    def secret(self) -> bytes:
        """Signs the names of calls."""
        return self._secret

    def weights(self) -> list[ray.ObjectRef[Any]]:
        """Where the weights lie, once a node: in a list, or Ray would send them through here."""
        return [self._weights]

    def put(self, name: str, data: bytes) -> str:
        """Keeps an .avatar file's bytes; its name, numbered where another has it."""
        content = hashlib.sha256(data).hexdigest()
        self._files.setdefault(content, ray.put(data))
        chosen, number = name, 2
        while self._names.setdefault(chosen, content) != content:
            chosen, number = f"{name} {number}", number + 1
        return chosen

    def names(self) -> dict[str, str]:
        """The content hash of every portrait, by name."""
        return dict(self._names)

    def file(self, content: str) -> list[ray.ObjectRef[bytes]]:
        """Where the bytes of this hash lie, in a list as the weights."""
        return [self._files[content]]


class SharedGallery:
    """The shipped avatars, and those on the shelf (`realtime.call.avatars.Gallery`).

    A portrait of the shelf is fetched once a process.
    """

    def __init__(self, shipped: AvatarGallery, shelf: Any) -> None:
        self._shipped = shipped
        self._shelf = shelf
        self._fetched: dict[str, Avatar] = {}

    def names(self) -> list[str]:
        """All names, shipped ones first."""
        return [*self._shipped.names(), *ray.get(self._shelf.names.remote())]

    def load(self, name: str) -> Avatar:
        """The avatar of that name; raises AvatarError if there is none."""
        if name in self._shipped.names():
            return self._shipped.load(name)
        content = ray.get(self._shelf.names.remote()).get(name)
        if content is None:
            raise AvatarError(f"expected an avatar of {self.names()}, found no '{name}'")
        if content not in self._fetched:
            (data,) = ray.get(self._shelf.file.remote(content))
            with _temporary() as path:
                path.write_bytes(ray.get(data))
                self._fetched[content] = avatar_file.load(path)
        return self._fetched[content]

    def picture(self, name: str) -> NDArray[np.uint8]:
        """The portrait, RGB uint8 [H, W, 3]; raises KeyError if there is no such avatar."""
        try:
            return self.load(name).picture
        except AvatarError as error:
            raise KeyError(name) from error

    def add(self, avatar: Avatar) -> str:
        """Puts a portrait on the shelf for all fronts and workers; its name there."""
        with _temporary() as path:
            avatar_file.save(avatar, path)
            return str(ray.get(self._shelf.put.remote(avatar.name, path.read_bytes())))


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "portrait.avatar"
