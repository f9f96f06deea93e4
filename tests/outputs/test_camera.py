from __future__ import annotations

import sys
from typing import Any

import av
import numpy as np
import pytest

from kernels.rgb_to_i420 import rgb_to_i420
from realtime.clock import FRAME_SAMPLES
from realtime.errors import OutputError
from realtime.frame import Frame, Picture
from realtime.outputs import v4l2loopback
from realtime.outputs.camera import Camera, install_command
from tests.outputs.virtual_cameras import Backend, use_backend

SIZE = (64, 48)
SILENCE = np.zeros(FRAME_SAMPLES, np.int16)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> list[Backend]:
    return use_backend(monkeypatch)


def frame(image: Picture) -> Frame:
    return Frame(0, image, SILENCE)


def colours() -> Picture:
    """Four plain quarters."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:24, :32] = (200, 40, 40)
    image[:24, 32:] = (40, 200, 40)
    image[24:, :32] = (40, 40, 200)
    image[24:, 32:] = (128, 128, 128)
    return image


def test_colours_survive_the_way_within_3_levels(backend: list[Backend]) -> None:
    with Camera(None, SIZE) as camera:
        camera.write(frame(colours()))
    sent = backend[0].sent[0].reshape(SIZE[1] * 3 // 2, SIZE[0])
    seen = av.VideoFrame.from_ndarray(sent, format="yuv420p").to_ndarray(format="rgb24")
    inside = np.abs(seen.astype(int) - colours())[4:-4, 4:-4]
    centres = np.concatenate([inside[:16, :24], inside[:16, -24:]]), inside[-16:, -24:]
    assert max(part.max() for part in centres) <= 3
    assert backend[0].closed


def test_the_camera_is_opened_as_asked(backend: list[Backend]) -> None:
    with Camera("/dev/video10", SIZE, 30) as camera:
        assert camera.name == "/dev/video10"
    options = backend[0].options
    assert (options["width"], options["height"], options["fps"]) == (64, 48, 30)
    assert options["device"] == "/dev/video10"


def test_a_held_picture_is_converted_once(
    backend: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = list[Picture]()

    def counting(image: Picture) -> Picture:
        converted.append(image)
        return rgb_to_i420(image)

    monkeypatch.setattr("realtime.outputs.camera.rgb_to_i420", counting)
    held = frame(colours())
    with Camera(None, SIZE) as camera:
        for _ in range(5):
            camera.write(held)
        camera.write(frame(colours()))
    assert len(converted) == 2
    assert len(backend[0].sent) == 6


def test_a_camera_that_goes_away_is_an_output_error(backend: list[Backend]) -> None:
    camera = Camera(None, SIZE)
    backend[0].close()
    with pytest.raises(OutputError, match="lost: gone"):
        camera.write(frame(colours()))


def test_without_a_virtual_camera_it_says_what_to_type(
    backend: list[Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyvirtualcam

    def missing(**_: Any) -> None:
        raise RuntimeError("no device")

    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"test": missing})
    with pytest.raises(OutputError) as error:
        Camera(None, SIZE)
    assert install_command() in str(error.value)
    assert backend == []


def test_a_camera_that_is_loaded_and_taken_is_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2loopback, "is_loaded", lambda: True)
    assert install_command("linux") == v4l2loopback.RELOAD
    assert install_command("darwin") != v4l2loopback.RELOAD


def test_without_the_extra_it_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(OutputError, match=r'pip install "segtalker-live\[webcam\]"'):
        Camera(None, SIZE)


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("linux", ["v4l2loopback-dkms", "modprobe", "exclusive_caps=1"]),
        ("darwin", ["obs", "OBS 30"]),
        ("win32", ["OBSProject.OBSStudio", "UnityCapture"]),
    ],
)
def test_every_system_has_its_command(platform: str, words: list[str]) -> None:
    assert all(word in install_command(platform) for word in words)
