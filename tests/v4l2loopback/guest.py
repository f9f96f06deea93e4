"""What is tried in the guest, as its root: a line for each thing, then the count."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.measure.doctor import check_camera
from realtime.outputs.camera import Camera, install_command
from tests.v4l2loopback.stamped import Stamp, read

DEVICE = "/dev/video10"
RATE = 5  # What an emulated processor bears.
COUNT = 50
RESTART = 1000  # The number at which the second sender begins.
COLOUR_LEVELS = 3
PATIENCE_S = 120.0


def load(command: str) -> None:
    """Runs a `sudo modprobe ...` without the sudo."""
    subprocess.run(command.removeprefix("sudo ").split(), check=True)


def unload() -> None:
    subprocess.run(["modprobe", "-r", "v4l2loopback"], check=True)


class Sender:
    """A process that sends from the number `first` on, for as long as it is entered."""

    def __init__(self, first: int, size: tuple[int, int]) -> None:
        words = [str(word) for word in (first, RATE, *size)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.v4l2loopback.sender", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stop(self) -> int:
        """Lets it end; the number of its last picture."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Self:
        wait_for_camera()
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.wait(PATIENCE_S)
        assert process.returncode == 0


def wait_for_camera() -> None:
    """With exclusive_caps the device can be captured from only while somebody sends."""
    deadline = time.monotonic() + PATIENCE_S
    while "Video Capture" not in _capabilities():
        assert time.monotonic() < deadline, "nobody sends"
        time.sleep(0.2)


def _capabilities() -> str:
    shown = subprocess.run(
        ["v4l2-ctl", f"--device={DEVICE}", "--info"], capture_output=True, text=True, check=True
    ).stdout
    return shown.partition("Device Caps")[2]


Read = Callable[[], Picture | None]


@contextmanager
def ffmpeg(size: tuple[int, int]) -> Iterator[Read]:
    """ffmpeg's pictures, as RGB; its size must be the sender's, or nothing fits."""
    way = f"-f v4l2 -i {DEVICE} -fps_mode passthrough -f rawvideo -pix_fmt rgb24 -"
    reader = subprocess.Popen(
        ["ffmpeg", "-nostdin", "-loglevel", "error", *way.split()], stdout=subprocess.PIPE
    )
    assert reader.stdout is not None
    pipe, shape = reader.stdout, (size[1], size[0], 3)

    def next_picture() -> Picture | None:
        data = pipe.read(int(np.prod(shape)))
        return np.frombuffer(data, np.uint8).reshape(shape) if data else None

    watchdog = threading.Timer(PATIENCE_S, reader.kill)
    watchdog.start()
    try:
        yield next_picture
    finally:
        watchdog.cancel()
        reader.terminate()
        reader.wait()


@contextmanager
def opencv(size: tuple[int, int]) -> Iterator[Read]:
    """OpenCV's pictures, as RGB."""
    capture = cv2.VideoCapture(DEVICE, cv2.CAP_V4L2)

    def next_picture() -> Picture | None:
        there, image = capture.read()
        assert not there or image.shape == (size[1], size[0], 3)
        return np.asarray(image[..., ::-1], np.uint8) if there else None

    try:
        yield next_picture
    finally:
        capture.release()


def every_picture(next_picture: Read, sender: Sender, first: int | None = None) -> str:
    """Reads COUNT pictures and what is sent until the sender has stopped: every number from the
    first seen (`first`, if given) to the last sent, once and in order, in the right colours."""
    seen, delays_ms, last = list[Stamp](), list[float](), None
    while last is None or seen[-1].number < last:
        image = next_picture()
        assert image is not None, f"no more pictures after {[stamp.number for stamp in seen]}"
        seen.append(read(image))
        delays_ms.append((time.monotonic() * 1000 - seen[-1].time_ms) % 2**32)
        if len(seen) == COUNT:
            last = sender.stop()
    numbers = [stamp.number for stamp in seen]
    assert numbers == list(range(numbers[0] if first is None else first, last + 1)), str(numbers)
    worst = max(stamp.colour_error for stamp in seen)
    assert worst <= COLOUR_LEVELS, f"colours are off by {worst} levels"
    late_ms = float(np.median(delays_ms))
    assert late_ms < 1000 * PATIENCE_S
    return f"{len(seen)} pictures, colours off by {worst} at most, {late_ms:.0f} ms late"


def without_the_module_it_says_what_to_type() -> str:
    found = "a camera"
    try:
        Camera()
    except OutputError as error:
        found = str(error)
    assert install_command("linux") in found, found
    assert check_camera("linux", Path("/")).fix == install_command("linux")
    return found


def without_exclusive_caps_the_doctor_says_so() -> str:
    load("sudo modprobe v4l2loopback")
    check = check_camera("linux", Path("/"))
    assert (check.state, "exclusive_caps is off" in check.found) == ("fail", True), str(check)
    for command in check.fix.split(" && "):
        load(command)
    check = check_camera("linux", Path("/"))
    assert check.state == "ok", str(check)
    assert DEVICE in check.found
    assert Path("/sys/class/video4linux/video10/name").read_text().strip() == "Avatar"
    return check.found


def ffmpeg_gets_every_picture() -> str:
    size = (1280, 720)
    with Sender(0, size) as sender, ffmpeg(size) as next_picture:
        return every_picture(next_picture, sender)


def opencv_gets_every_picture() -> str:
    size = (640, 480)
    with Sender(0, size) as sender, opencv(size) as next_picture:
        return every_picture(next_picture, sender)


def a_reader_outlives_its_sender() -> str:
    size = (640, 480)
    with ExitStack() as readers:
        with Sender(0, size) as sender:
            next_picture = readers.enter_context(ffmpeg(size))
            before = every_picture(next_picture, sender)
        with Sender(RESTART, size) as sender:
            return f"{before}; then {every_picture(next_picture, sender, RESTART)}"


CHECKS = (
    without_the_module_it_says_what_to_type,
    without_exclusive_caps_the_doctor_says_so,
    ffmpeg_gets_every_picture,
    opencv_gets_every_picture,
    a_reader_outlives_its_sender,
)


def main() -> None:
    failed = 0
    for check in CHECKS:
        try:
            line = f"ok    {check.__name__}: {check()}"
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            line, failed = f"FAIL  {check.__name__}: {error!r}", failed + 1
        print(line, flush=True)
    print(f"{len(CHECKS) - failed} passed, {failed} failed", flush=True)


if __name__ == "__main__":
    main()
