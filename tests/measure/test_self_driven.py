"""Self-driven: rows are averaged and told as Markdown, what cannot be judged is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.errors import InputError
from realtime.measure.self_driven import read_pictures, summary, table
from tests.test_video_loop import video


def test_clips_count_alike_and_stand_in_a_table() -> None:
    rows = [{"clip": "a", "frames": 50, "psnr": 30.0}, {"clip": "b", "frames": 100, "psnr": 34.0}]
    assert summary(rows) == {"frames": 75, "psnr": 32.0}
    assert table(rows).splitlines()[0] == "| clip | frames | psnr |"
    assert table(rows).splitlines()[-1] == "| b | 100 | 34 |"


def test_a_clip_too_short_to_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found 0\.4 s"):
        read_pictures(video(tmp_path / "a.mp4"))
