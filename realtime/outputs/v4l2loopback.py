"""v4l2loopback, the kernel's virtual camera on Linux: how to load it, and who may send.

With `exclusive_caps` a device has room for one sender. Up to 0.12.7, which Debian 12 ships, the
module forgets to make room again after a sender like pyvirtualcam, which writes and never streams.
"""

from __future__ import annotations

import struct
import sys
from contextlib import suppress
from pathlib import Path

# exclusive_caps: Chrome lists only devices that can do nothing but capture.
LOAD = "sudo modprobe v4l2loopback devices=1 video_nr=10 card_label=Avatar exclusive_caps=1"
RELOAD = f"sudo modprobe -r v4l2loopback && {LOAD}"
INSTALL = f"sudo apt install v4l2loopback-dkms && {LOAD}"

# <linux/videodev2.h>
_STREAMON, _QUERYCAP = 0x40045612, 0x80685600
_VIDEO_OUTPUT = struct.pack("i", 2)
_CAPABILITY = struct.Struct("16s32s32sIII12x")
_CAN_OUTPUT = 0x2


def is_loaded(root: Path = Path("/")) -> bool:
    return (root / "sys/module/v4l2loopback").is_dir()


def devices(root: Path = Path("/")) -> list[Path]:
    """The devices there are."""
    nodes = (root / "sys/devices/virtual/video4linux").glob("video*")
    return [root / "dev" / node.name for node in sorted(nodes)]


if sys.platform == "linux":
    from fcntl import ioctl

    def is_taken(device: Path) -> bool:
        """Whether a sender has the device, or the module believes so."""
        about = bytearray(_CAPABILITY.size)
        with suppress(OSError), device.open("rb", buffering=0) as file:
            ioctl(file, _QUERYCAP, about)
            return not _CAPABILITY.unpack(about)[5] & _CAN_OUTPUT
        return False

    def make_room(device: Path) -> None:
        """Leaves the device as a sender that streams does: the module makes room for the next."""
        with suppress(OSError), device.open("rb+", buffering=0) as file:
            ioctl(file, _STREAMON, _VIDEO_OUTPUT)

else:

    def is_taken(device: Path) -> bool:  # noqa: ARG001
        return False

    def make_room(device: Path) -> None:
        """Nothing to do."""
