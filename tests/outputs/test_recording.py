from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from realtime.clock import FRAME_RATE, FRAME_SAMPLES
from realtime.errors import OutputError
from realtime.frame import Frame
from realtime.outputs.feed import Feed
from realtime.outputs.recording import KEPT_FREE_BYTES, Recording
from realtime.outputs.schedule import Backlog
from realtime.outputs.video_file import VideoFile

SIZE = (64, 48)
PLENTY = 10 * KEPT_FREE_BYTES


def frame(index: int) -> Frame:
    image = np.full((SIZE[1], SIZE[0], 3), 40 + index % 100, np.uint8)
    return Frame(index, image, np.full(FRAME_SAMPLES, 1000, np.int16))


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def recording(path: Path, told: list[str], free: list[int]) -> Recording:
    """`free` is what the disk has left each time it is asked; the last stays."""

    def left(_: Path) -> int:
        return free.pop(0) if len(free) > 1 else free[0]

    return Recording(VideoFile(path, SIZE), path, told.append, left)


def test_dropped_frames_leave_no_hole(tmp_path: Path) -> None:
    path = tmp_path / "call.mp4"
    with recording(path, [], [PLENTY]) as output:
        for index in (0, 1, 2, 10, 11):
            output.write(frame(index))
    assert frame_count(path) == 12


def test_a_disk_that_fills_up_ends_the_recording_and_keeps_it(tmp_path: Path) -> None:
    path, told = tmp_path / "call.mp4", list[str]()
    output = recording(path, told, [PLENTY, PLENTY, KEPT_FREE_BYTES - 1])
    with Feed(output, Backlog(1000), told.append) as feed:
        for index in range(4 * FRAME_RATE):
            feed.put(frame(index), 0.0)
    assert frame_count(path) == 2 * FRAME_RATE
    (message,) = told
    assert "nearly full" in message
    assert "the call goes on" in message
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_breaks_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, told = tmp_path / "call.mp4", list[str]()
    file = VideoFile(path, SIZE)

    def full(_: Frame) -> None:
        raise OutputError(f"cannot write {path}: No space left on device")

    with Feed(Recording(file, path, told.append), Backlog(10), told.append) as feed:
        monkeypatch.setattr(file, "write", full)
        feed.put(frame(0), 0.0)
    assert told == [f"cannot write {path}: No space left on device; the call goes on without it"]
    assert list(tmp_path.iterdir()) == []
