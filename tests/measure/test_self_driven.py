"""Self-driven: sound is moved to its pictures, rows are averaged, told as Markdown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.errors import InputError
from realtime.measure.self_driven import Clip, read_pictures, summary, table
from tests.test_video_loop import video


def clip(early_ms: int) -> Clip:
    pictures = [np.zeros((8, 8, 3), np.uint8)] * 5
    sound = np.arange(1, 5 * 640 + 1).astype(np.int16)
    return Clip("a", pictures, np.zeros((5, 478, 3), np.float32), sound, early_ms)


@pytest.mark.parametrize(("early_ms", "first"), [(0, 1), (100, 1601), (-20, 0)])
def test_an_early_picture_hears_what_comes_later(early_ms: int, first: int) -> None:
    heard = clip(early_ms).heard
    assert len(heard) >= 5 * 640
    assert heard[0] == first


def test_clips_count_alike_and_stand_in_a_table() -> None:
    rows = [{"clip": "a", "frames": 50, "psnr": 30.0}, {"clip": "b", "frames": 100, "psnr": 34.0}]
    assert summary(rows) == {"frames": 75, "psnr": 32.0}
    assert table(rows).splitlines()[0] == "| clip | frames | psnr |"
    assert table(rows).splitlines()[-1] == "| b | 100 | 34 |"


def test_a_clip_too_short_to_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found 0\.4 s"):
        read_pictures(video(tmp_path / "a.mp4"))
