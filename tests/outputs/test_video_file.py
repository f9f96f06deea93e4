"""The video file: what is in it, and that it is whole or absent."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from realtime.clock import FRAME_RATE, FRAME_SAMPLES
from realtime.errors import OutputError
from realtime.frame import Frame
from realtime.outputs.video_file import VideoFile

SIZE = (128, 96)


def click_frame(index: int) -> Frame:
    """White picture and a click together in every tenth frame, else black silence."""
    here = index % 10 == 5
    image = np.full((SIZE[1], SIZE[0], 3), 235 if here else 20, np.uint8)
    sound = np.zeros(FRAME_SAMPLES, np.int16)
    if here:
        sound[:] = 12000 * np.sin(np.arange(FRAME_SAMPLES) * 0.4)
    return Frame(index, image, sound)


def test_picture_and_sound_lie_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with VideoFile(path, SIZE) as video:
        for index in range(40):
            video.write(click_frame(index))
    with av.open(str(path)) as container:
        pictures = [(f.time, f.to_ndarray(format="gray").mean()) for f in container.decode(video=0)]
    with av.open(str(path)) as container:
        sounds = [(f.time, f.to_ndarray()[0]) for f in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    assert len(pictures) == 40
    flashes = [time for time, grey in pictures if grey > 128]
    assert flashes == pytest.approx([i / FRAME_RATE for i in (5, 15, 25, 35)], abs=1e-3)
    wave = np.concatenate([samples for _, samples in sounds])
    start = sounds[0][0]
    assert start is not None
    loud = np.abs(wave) > 0.1
    begins = np.flatnonzero(loud & ~np.roll(np.convolve(loud, np.ones(800))[: len(loud)] > 0, 1))
    clicks = start + begins / rate
    assert clicks == pytest.approx(flashes, abs=0.012)


def test_the_file_says_that_it_is_synthetic(tmp_path: Path) -> None:
    with VideoFile(tmp_path / "clip.mp4", SIZE) as video:
        video.write(click_frame(0))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.metadata["comment"].startswith("Synthetic")


def test_a_broken_off_file_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with VideoFile(tmp_path / "clip.mp4", SIZE) as video:
            video.write(click_frame(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_survives_a_broken_off_one(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("mine")
    with pytest.raises(ZeroDivisionError), VideoFile(tmp_path / "clip.mp4", SIZE):
        raise ZeroDivisionError
    assert (tmp_path / "clip.mp4").read_text() == "mine"


def test_places_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        VideoFile(tmp_path / "none" / "clip.mp4", SIZE)
    with pytest.raises(OutputError, match=r"found clip\.avi"):
        VideoFile(tmp_path / "clip.avi", SIZE)
