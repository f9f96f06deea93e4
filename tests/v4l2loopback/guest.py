"""What is tried in the guest, as its root: a line for each thing, then the count."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np

from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.measure.doctor import check_camera
from realtime.outputs.camera import Camera, install_command
from tests.v4l2loopback.stamped import Stamp, read

DEVICE = "/dev/video10"
RATE = 5  # What an emulated processor bears.
COUNT = 60
LEAD_IN = 40  # A reader takes seconds to start, here; from its first picture on it must get all.
RESTART = 1000  # The number at which the second sender begins.
COLOUR_LEVELS = 3
PATIENCE_S = 60.0


def load(command: str) -> None:
    """Runs a `sudo modprobe ...` without the sudo."""
    subprocess.run(command.removeprefix("sudo ").split(), check=True)


def unload() -> None:
    subprocess.run(["modprobe", "-r", "v4l2loopback"], check=True)


@contextmanager
def sending(first: int, size: tuple[int, int]) -> Iterator[subprocess.Popen[bytes]]:
    """A sender in a process of its own; returns once it has the camera."""
    words = (first, COUNT, RATE, *size)
    sender = subprocess.Popen([sys.executable, "-m", "tests.v4l2loopback.sender", *map(str, words)])
    try:
        yield sender
    finally:
        assert sender.wait(PATIENCE_S) == 0


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

    try:
        yield next_picture
    finally:
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


def stamps(next_picture: Read, last: int) -> Iterator[tuple[Stamp, float]]:
    """What comes, with the delay of each, ms, up to number `last`."""
    while (image := next_picture()) is not None:
        stamp = read(image)
        yield stamp, (time.monotonic() * 1000 - stamp.time_ms) % 2**32
        if stamp.number == last:
            return


def check_row(seen: list[tuple[Stamp, float]], first: int, lead_in: int) -> str:
    """Every number from the first seen to the last sent, once and in order, right colours."""
    indices = [stamp.number for stamp, _ in seen]
    assert indices, "expected pictures, found none"
    assert indices == list(range(indices[0], first + COUNT)), f"found {indices}"
    assert indices[0] <= first + lead_in, f"the first picture seen is {indices[0] - first}"
    assert all(delay < PATIENCE_S * 1000 for _, delay in seen)
    worst = max(stamp.colour_error for stamp, _ in seen)
    assert worst <= COLOUR_LEVELS, f"colours are off by {worst} levels"
    delay = np.median([delay for _, delay in seen])
    return f"{len(seen)} pictures, colours off by {worst} at most, {delay:.0f} ms late"


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
    with sending(0, size):
        wait_for_camera()
        with ffmpeg(size) as next_picture:
            return check_row(list(stamps(next_picture, COUNT - 1)), 0, LEAD_IN)


def opencv_gets_every_picture() -> str:
    size = (640, 480)
    with sending(0, size):
        wait_for_camera()
        with opencv(size) as next_picture:
            return check_row(list(stamps(next_picture, COUNT - 1)), 0, LEAD_IN)


def a_reader_outlives_its_sender() -> str:
    size = (640, 480)
    with ExitStack() as readers:
        with sending(0, size):
            wait_for_camera()
            next_picture = readers.enter_context(ffmpeg(size))
            first = check_row(list(stamps(next_picture, COUNT - 1)), 0, LEAD_IN)
        with sending(RESTART, size):
            seen = list(stamps(next_picture, RESTART + COUNT - 1))
            second = check_row(seen, RESTART, 0)
    return f"{first}; then {second}"


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
