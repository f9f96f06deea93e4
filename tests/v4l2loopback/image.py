"""The guest's disk: Debian with v4l2loopback built for its kernel, made once and kept.

Nothing is compiled in the guest: DKMS does it while the packages are installed, in a chroot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
PACKAGES = (
    "ffmpeg",
    "kmod",
    "linux-headers-amd64",
    "linux-image-amd64",
    "python3",
    "v4l-utils",
    "v4l2loopback-dkms",
)
PYTHON = "3.11"
WHEELS = ("numpy", "opencv-python-headless", "pyvirtualcam", "rich")
INSTALL = "sudo apt install debootstrap qemu-system-x86"
_DISK_BYTES = 3 << 30  # Sparse: about half of it is written.
# The code comes on a second disk, as a tar; a power off ends the emulator.
_INIT = """#!/bin/sh
mkdir -p /run/code
tar -xf /dev/vdb -C /run/code
cd /run/code
PYTHONPATH=/opt/python python3 -m tests.v4l2loopback.guest
echo o > /proc/sysrq-trigger
sleep 60
"""


@dataclass(frozen=True)
class Image:
    """A folder with what QEMU needs."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.ext4"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"


def cached_image() -> Image:
    """The image in the user's cache; made, in minutes and as root, where there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "segtalker-live"
    image = Image(cache / "v4l2loopback-guest")
    if not image.folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder) / "made"
            _make(Image(made), Path(folder) / "root")
            made.rename(image.folder)
    return image


def _make(image: Image, root: Path) -> None:
    image.folder.mkdir()
    packages = f"--include={','.join(PACKAGES)}"
    _run("debootstrap", "--variant=minbase", packages, SUITE, str(root))
    wheels = ("--only-binary=:all:", f"--python-version={PYTHON}", f"--target={root}/opt/python")
    _run(sys.executable, "-m", "pip", "install", "--quiet", *wheels, *WHEELS)
    init = root / "sbin" / "init"
    init.unlink(missing_ok=True)
    init.write_text(_INIT)
    init.chmod(0o755)
    for part in (image.kernel, image.initrd):
        (found,) = (root / "boot").glob(f"{part.name}-*")
        shutil.copy(found, part)
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(root), str(image.disk), f"{_DISK_BYTES >> 10}k")


def _run(*command: str) -> None:
    print(f"{Path(command[0]).name} ...", flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
