"""What is tried in the guest, as its root: a line for each thing, then the count."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, Self

import cv2
import numpy as np

from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.measure.doctor import check_camera
from realtime.outputs import v4l2loopback
from realtime.outputs.camera import Camera
from tests.v4l2loopback.stamped import Stamp, read

DEVICE = "/dev/video10"
RATE = 2  # What an emulated processor bears beside other programs.
COUNT = 40
RESTART = 1000  # The number at which the second sender begins.
COLOUR_LEVELS = 3
SUSPENDED_S = 5.0
PATIENCE_S = 120.0


def load(commands: str) -> None:
    """Runs `sudo modprobe ... && sudo modprobe ...`, without the sudo."""
    subprocess.run(commands.replace("sudo ", ""), shell=True, check=True)


def no_camera() -> str:
    """What is said when there is none."""
    try:
        with Camera() as camera:
            return f"found {camera.name}"
    except OutputError as error:
        return str(error)


class Sender:
    """A process that sends from the number `first` on, for as long as it is entered."""

    def __init__(self, first: int, size: tuple[int, int]) -> None:
        self._ends_with = 0
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

    def kill(self) -> None:
        self._ends_with = -signal.SIGKILL
        self._process.kill()

    def __enter__(self) -> Self:
        wait_for_camera()
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.wait(PATIENCE_S)
        assert process.returncode == self._ends_with, f"the sender ended: {process.returncode}"


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


class Reader(Protocol):
    """Pictures of the camera."""

    def next(self) -> Picture:
        """RGB uint8 [H, W, 3]; AssertionError when no more come, or not of the sender's size."""


class Ffmpeg:
    """ffmpeg in a process of its own, while entered."""

    def __init__(self, size: tuple[int, int]) -> None:
        way = f"-f v4l2 -i {DEVICE} -fps_mode passthrough -f rawvideo -pix_fmt rgb24 -"
        self._shape = (size[1], size[0], 3)
        self._process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error", *way.split()], stdout=subprocess.PIPE
        )
        self._watchdog = threading.Timer(PATIENCE_S, self._process.kill)
        self._watchdog.start()

    def next(self) -> Picture:
        assert self._process.stdout is not None
        data = self._process.stdout.read(int(np.prod(self._shape)))
        assert data, "no more pictures"
        return np.frombuffer(data, np.uint8).reshape(self._shape)

    def suspend(self, suspended: bool) -> None:
        self._process.send_signal(signal.SIGSTOP if suspended else signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        with self._process as process:
            process.kill()


class OpenCv:
    """OpenCV, which gives up after ten seconds without a picture; a context."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._shape = (size[1], size[0], 3)
        self._capture = cv2.VideoCapture(DEVICE, cv2.CAP_V4L2)

    def next(self) -> Picture:
        there, image = self._capture.read()
        assert there, "no more pictures"
        assert image.shape == self._shape, f"found {image.shape}"
        return np.asarray(image[..., ::-1], np.uint8)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


def every_picture(reader: Reader, sender: Sender, first: int | None = None) -> str:
    """Reads COUNT pictures and what is sent until the sender has stopped: every number from the
    first seen (`first`, if given) to the last sent, once and in order, in the right colours."""
    seen, delays_ms, last = list[Stamp](), list[float](), None
    while last is None or seen[-1].number < last:
        stamp = read(reader.next())
        if first is not None and stamp.number < first:
            continue  # The sender before held its last picture.
        seen.append(stamp)
        delays_ms.append((time.monotonic() * 1000 - stamp.time_ms) % 2**32)
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
    found = no_camera()
    assert v4l2loopback.INSTALL in found, found
    assert check_camera("linux", Path("/")).fix == v4l2loopback.INSTALL
    return found


def without_exclusive_caps_the_doctor_says_so() -> str:
    load("sudo modprobe v4l2loopback")
    check = check_camera("linux", Path("/"))
    assert (check.state, "exclusive_caps is off" in check.found) == ("fail", True), str(check)
    load(check.fix)
    check = check_camera("linux", Path("/"))
    assert check.state == "ok", str(check)
    assert DEVICE in check.found
    assert Path("/sys/class/video4linux/video10/name").read_text().strip() == "Avatar"
    return check.found


def ffmpeg_gets_every_picture() -> str:
    size = (1280, 720)
    with Sender(0, size) as sender, Ffmpeg(size) as reader:
        return every_picture(reader, sender)


def opencv_gets_every_picture() -> str:
    size = (640, 480)
    with Sender(0, size) as sender, OpenCv(size) as reader:
        return every_picture(reader, sender)


def a_reader_outlives_its_sender() -> str:
    size = (640, 480)
    with ExitStack() as readers:
        with Sender(0, size) as sender:
            reader = readers.enter_context(Ffmpeg(size))
            before = every_picture(reader, sender)
        with Sender(RESTART, size) as sender:
            return f"{before}; then {every_picture(reader, sender, RESTART)}"


def a_suspended_reader_holds_nobody_up() -> str:
    size = (640, 480)
    with Sender(0, size) as sender, Ffmpeg(size) as reader:
        before = after = read(reader.next()).number
        reader.suspend(True)
        time.sleep(SUSPENDED_S)
        reader.suspend(False)
        while after < before + SUSPENDED_S * RATE:
            after = read(reader.next()).number
        sender.stop()
    return f"suspended at {before}, went on to {after}"


def a_killed_sender_has_its_fix() -> str:
    with Sender(0, (640, 480)) as sender:
        sender.kill()
    check = check_camera("linux", Path("/"))
    assert "was killed" in check.found, str(check)
    found = no_camera()
    assert v4l2loopback.RELOAD in found, found
    load(v4l2loopback.RELOAD)
    assert check_camera("linux", Path("/")).state == "ok"
    return check.found


CHECKS = (
    without_the_module_it_says_what_to_type,
    without_exclusive_caps_the_doctor_says_so,
    ffmpeg_gets_every_picture,
    opencv_gets_every_picture,
    a_reader_outlives_its_sender,
    a_suspended_reader_holds_nobody_up,
    a_killed_sender_has_its_fix,
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
