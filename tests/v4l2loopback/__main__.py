"""Boots the guest and tells how its checks went: `sudo python -m tests.v4l2loopback`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.v4l2loopback.image import INSTALL, Image, cached_image

PATIENCE_S = 900.0
_ROOT = Path(__file__).parents[2]
_MACHINE = "-machine q35 -accel tcg -cpu max -smp 2 -m 1536 -nic none -nographic -no-reboot"


def boot(image: Image, code: Path) -> str:
    """Runs the guest until it powers off; what it printed, which is shown as it comes."""
    drives = (
        f"file={image.disk},format=raw,if=virtio,snapshot=on",
        f"file={code},format=raw,if=virtio,readonly=on",
    )
    words = [word for drive in drives for word in ("-drive", drive)]
    kernel = ["-kernel", str(image.kernel), "-initrd", str(image.initrd)]
    line = ["-append", "root=/dev/vda rw console=ttyS0 quiet panic=-1"]
    guest = subprocess.Popen(
        ["qemu-system-x86_64", *_MACHINE.split(), *words, *kernel, *line],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    assert guest.stdout is not None
    printed = []
    try:
        for text in guest.stdout:
            print(text, end="", flush=True)
            printed.append(text.rstrip())
    finally:
        guest.kill()
        guest.wait()
    return "\n".join(printed)


def main() -> int:
    if missing := [
        tool for tool in ("debootstrap", "qemu-system-x86_64") if not shutil.which(tool)
    ]:
        print(f"expected {' and '.join(missing)}, found none: {INSTALL}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code.tar"
        with tarfile.open(code, "w") as tar:
            for package in ("realtime", "tests"):
                tar.add(_ROOT / package, package, filter=_python_only)
        printed = boot(cached_image(), code)
    return 0 if " passed, 0 failed" in printed else 1


def _python_only(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return entry if entry.isdir() or entry.name.endswith(".py") else None


if __name__ == "__main__":
    sys.exit(main())
