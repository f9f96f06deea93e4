"""What goes wrong with real parts: the call goes on, says what happened, and is in sync again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.clock import FRAME_RATE, FRAME_SAMPLES
from realtime.frame import Frame
from realtime.outputs.feed import Feed
from realtime.outputs.recording import KEPT_FREE_BYTES, Recording
from realtime.outputs.schedule import Backlog
from realtime.outputs.video_file import VideoFile
from realtime.outputs.webcam import WebcamOptions
from tests.engines import EchoEngine
from tests.outputs.real_call import Delays, RealCall, find_pulse
from tests.outputs.sound_server import needs_pulse, sound_server

SIZE = (512, 512)
UNPLUGGED_S = SUSPENDED_S = 5.0
RECOVERY_S = 12.0  # Two to recover, ten to measure.
LIMIT_MS = 10.0


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of `size` bytes; skips the test where we may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk cannot be mounted: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.pulse
@needs_pulse
def test_a_call_survives_its_microphone_its_reader_and_its_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def script(call: RealCall) -> tuple[Delays, Delays, Delays, int]:
        recorder = call.listen()
        call.wait(RECOVERY_S)
        before, frames = call.delays(), call.engine.count
        call.server.unplug()
        call.wait(UNPLUGGED_S)
        lived = call.engine.count - frames
        call.server.plug_in()
        call.speak()
        recorder = call.listen()
        call.wait(RECOVERY_S)
        replugged = call.delays()
        recorder.suspend(True)
        (path.parent / "filler").write_bytes(bytes(size - KEPT_FREE_BYTES))
        call.wait(SUSPENDED_S)
        recorder.suspend(False)
        call.listen()
        call.wait(RECOVERY_S)
        return before, replugged, call.delays(), lived

    size = KEPT_FREE_BYTES + (32 << 20)
    with sound_server(monkeypatch) as server, small_disk(tmp_path / "disk", size) as disk:
        find_pulse()
        path = disk / "call.mp4"
        options = WebcamOptions(80, microphone="pulse", record=path)
        outcome = RealCall(EchoEngine(2, SIZE), server, monkeypatch).run(script, options)
        recorded = frames_in(path)
    *delays, lived = outcome.given
    assert all(abs(delay.difference_ms) < LIMIT_MS for delay in delays), delays
    assert lived == pytest.approx(UNPLUGGED_S * FRAME_RATE, rel=0.1)
    assert "the microphone was lost" in outcome.told
    assert outcome.told.index("the microphone was lost") < outcome.told.index("microphone is back")
    assert f"the disk is nearly full: the recording ended and is kept in {path}" in outcome.told
    assert recorded > FRAME_RATE * (2 * RECOVERY_S)


def test_a_disk_filled_at_one_blow_leaves_nothing_and_is_told(tmp_path: Path) -> None:
    told, random = list[str](), np.random.default_rng(0)
    with small_disk(tmp_path / "disk", KEPT_FREE_BYTES + (8 << 20)) as disk:
        path = disk / "call.mp4"
        recording = Recording(VideoFile(path, SIZE), path, told.append)
        with Feed(recording, Backlog(100), told.append) as feed:
            (disk / "filler").write_bytes(bytes(KEPT_FREE_BYTES + (7 << 20)))
            for index in range(FRAME_RATE - 1):
                image = random.integers(0, 255, (*SIZE, 3), np.uint8)
                feed.put(Frame(index + 1, image, np.zeros(FRAME_SAMPLES, np.int16)), 0.0)
        left = [file.name for file in disk.iterdir()]
    assert left == ["filler"]
    assert told == [f"cannot write {path}: No space left on device; the call goes on without it"]
