"""A virtual camera that keeps what it is sent, behind the real pyvirtualcam."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from realtime.frame import Picture


class Backend:
    """What pyvirtualcam wants of a virtual camera; `opened` is emptied by `use_backend`."""

    opened: ClassVar[list[Backend]] = []

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.sent: list[Picture] = []
        self.closed = False
        self.opened.append(self)

    def device(self) -> str:
        return "/dev/video10"

    def native_fourcc(self) -> None:
        return None

    def send(self, picture: Picture) -> None:
        if self.closed:
            raise RuntimeError("gone")
        self.sent.append(picture.copy())

    def close(self) -> None:
        self.closed = True


def use_backend(patch: pytest.MonkeyPatch) -> list[Backend]:
    """Cameras opened from now on; skips the test where the extra is not installed."""
    pyvirtualcam = pytest.importorskip("pyvirtualcam", reason="the extra webcam is not installed")
    patch.setattr(pyvirtualcam.camera, "BACKENDS", {"test": Backend})
    Backend.opened.clear()
    return Backend.opened
