"""The virtual camera a call app sees.

pyvirtualcam is GPL-2, an optional extra, and imported in this file only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kernels.rgb_to_i420 import rgb_to_i420
from realtime.clock import FRAME_RATE
from realtime.errors import OutputError
from realtime.frame import Frame, Picture
from realtime.outputs import v4l2loopback
from realtime.outputs.stills import letterbox

CAMERA_SIZES = ((1280, 720), (640, 480))
INSTALL_EXTRA = 'pip install "segtalker-live[webcam]"'
_INSTALL = {
    "linux": v4l2loopback.INSTALL,
    "darwin": "brew install --cask obs, then in OBS press Start Virtual Camera and Stop once "
    "(macOS 13 and later need OBS 30)",
    "win32": "winget install OBSProject.OBSStudio (or Unity Capture: clone "
    "https://github.com/schellingb/UnityCapture and run Install\\Install.bat)",
}


def install_command(platform: str = sys.platform) -> str:
    """What to type on this system so that there is a virtual camera that is free."""
    if platform == "linux" and v4l2loopback.is_loaded():
        return v4l2loopback.RELOAD
    return _INSTALL.get(platform, _INSTALL["linux"])


class Camera:
    """Shows pictures of any size, letterboxed, on the virtual camera `device` (None: the first).

    Raises OutputError, which says what to type, when there is no virtual camera.
    """

    def __init__(
        self,
        device: str | None = None,
        size: tuple[int, int] = CAMERA_SIZES[0],
        rate: int = FRAME_RATE,
    ) -> None:
        self._size = size
        self._shown: Picture | None = None
        self._i420: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._camera = self._open(device, rate)

    def _open(self, device: str | None, rate: int) -> Any:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise OutputError(f'the camera needs the extra "webcam": {INSTALL_EXTRA}') from error
        width, height = self._size
        form = pyvirtualcam.PixelFormat.I420
        try:
            return pyvirtualcam.Camera(width, height, rate, fmt=form, device=device)
        except (RuntimeError, ValueError) as error:
            raise OutputError(f"no virtual camera: {install_command()} (found: {error})") from error

    @property
    def name(self) -> str:
        """What the call app calls it."""
        return str(self._camera.device)

    def write(self, frame: Frame) -> None:
        """Shows the picture; one shown twice in a row is converted once."""
        if frame.image is not self._shown:
            self._i420 = rgb_to_i420(letterbox(frame.image, self._size))
            self._shown = frame.image
        try:
            self._camera.send(self._i420)
        except RuntimeError as error:
            raise OutputError(f"the virtual camera {self.name} was lost: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        device = Path(self.name)
        self._camera.close()
        v4l2loopback.make_room(device)
