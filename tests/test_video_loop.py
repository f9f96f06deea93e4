from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from realtime.backdrop import Blur, colour, filling
from realtime.errors import InputError
from realtime.video_loop import VideoLoop

SIZE = (64, 48)


def video(path: Path, frames: int = 10, rate: int = 25) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        for n in range(frames):
            picture = np.full((96, 96, 3), 20 * n + 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def levels(loop: VideoLoop, count: int) -> list[int]:
    return [round(float(loop.picture(SIZE).mean()) / 20) for _ in range(count)]


def test_it_begins_again_at_its_end(tmp_path: Path) -> None:
    loop = VideoLoop(video(tmp_path / "a.mp4", 4), SIZE, patient=True)
    assert levels(loop, 9) == [1, 2, 3, 4, 1, 2, 3, 4, 1]
    assert loop.picture(SIZE).shape == (48, 64, 3)


@pytest.mark.parametrize(("rate", "seen"), [(50, [1, 3, 5, 7]), (12, [1, 1, 2, 2])])
def test_it_keeps_the_videos_own_speed(tmp_path: Path, rate: int, seen: list[int]) -> None:
    loop = VideoLoop(video(tmp_path / "a.mp4", 8, rate), SIZE, patient=True)
    assert levels(loop, 4) == pytest.approx(seen, abs=1)


def test_nobody_waits_for_a_late_picture(tmp_path: Path) -> None:
    loop = VideoLoop(video(tmp_path / "a.mp4"), SIZE)
    assert loop.picture(SIZE).shape == (48, 64, 3)


def test_what_is_no_video_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="found something else"):
        VideoLoop(path, SIZE)


def test_a_video_that_breaks_later_keeps_its_last_picture(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", 2)
    told: list[str] = []
    loop = VideoLoop(path, SIZE, patient=True, report=told.append)
    path.write_bytes(b"overwritten")
    shown = levels(loop, 40)
    assert shown[-1] in (1, 2)
    assert len(told) == 1
    assert "its last picture stays" in told[0]


def test_a_picture_of_any_shape_fills_the_frame() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 15:25] = 200
    filled = filling(wide, (20, 20))
    assert filled.shape == (20, 20, 3)
    assert filled[:, 1:-1].min() == 200, "its middle is shown"
    assert filling(colour("#0a141e"), SIZE)[5, 5].tolist() == [10, 20, 30]


@pytest.mark.parametrize("code", ["#12", "red", "#12345g", ""])
def test_what_is_no_colour_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        colour(code)


def test_blur_has_a_strength() -> None:
    shown = np.zeros((40, 40, 4), np.uint8)
    shown[:, 20:, :3] = 200
    soft, softer = (Blur(strength).of(shown) for strength in (0.1, 1.0))
    assert np.ptp(softer) < np.ptp(soft) or softer[0, 19, 0] > soft[0, 10, 0]
    with pytest.raises(ValueError, match="blur"):
        Blur(1.5)
