"""The whole command but the devices: real PortAudio, sound server, pyvirtualcam and MP4."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import pytest
from rich.console import Console

from realtime.audio.portaudio import PortAudio
from realtime.clock import Sound
from realtime.errors import InputError, OutputError
from realtime.frame import Frame
from realtime.outputs.camera import CAMERA_SIZES
from realtime.outputs.wardrobe import Clothes
from realtime.outputs.webcam import WebcamOptions, run_webcam
from tests.audio.sound_cards import FakeSoundDevice
from tests.engines import EchoEngine
from tests.outputs.real_call import undressed
from tests.outputs.sound_server import needs_pulse, sound_server
from tests.outputs.virtual_cameras import use_backend

FRAMES = 75


class InterruptedEngine(EchoEngine):
    """Its user presses Ctrl-C in frame 75."""

    def __init__(self) -> None:
        super().__init__(lookahead=2)
        self._steps = 0

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        if self._steps == FRAMES:
            raise KeyboardInterrupt
        self._steps += 1
        return super().step(samples, fresh=fresh)


@pytest.mark.pulse
@needs_pulse
def test_a_call_from_beginning_to_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cameras, path, console = use_backend(monkeypatch), tmp_path / "call.mp4", Console(width=200)
    with sound_server(monkeypatch):
        try:
            PortAudio().rescan()
        except InputError as error:
            pytest.skip(str(error))
        options = WebcamOptions(80, microphone="pulse", record=path, fps=30)
        with console.capture() as captured:
            health = run_webcam(InterruptedEngine(), Clothes(undressed, ["ava"]), options, console)
    (camera,) = cameras
    width, height = CAMERA_SIZES[0]
    assert health.frames == FRAMES
    assert camera.closed
    assert camera.options["fps"] == 30
    assert FRAMES * 0.5 < len(camera.sent) <= FRAMES * 1.2 + 1
    assert {picture.size for picture in camera.sent} == {width * height * 3 // 2}
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == FRAMES
    assert 'pick "/dev/video10" as camera' in captured.get()


def test_without_a_camera_nothing_begins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSoundDevice(["laptop"]))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    path = tmp_path / "call.mp4"
    with pytest.raises(OutputError, match="the camera needs"):
        run_webcam(
            EchoEngine(),
            Clothes(undressed, ["ava"]),
            WebcamOptions(80, record=path),
            Console(quiet=True),
        )
    assert not path.exists()
