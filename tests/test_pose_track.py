from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.errors import InputError
from realtime.head_pose import HeadPose
from realtime.manner import GREATEST_YAW
from realtime.pose_track import PoseTrack, read_track


def test_a_track_is_read_from_both_kinds_of_file(tmp_path: Path) -> None:
    table, listed = tmp_path / "a.csv", tmp_path / "a.json"
    table.write_text("roll,yaw,pitch\n1,2,3\n4,5,6\n")
    listed.write_text("[[2, 3, 1], [5, 6, 4]]")
    for path in (table, listed):
        assert read_track(path).angles.tolist() == [[2, 3, 1], [5, 6, 4]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "yaw,pitch\n1,2\n"),
        ("a.csv", "yaw,pitch,roll\n1,2,x\n"),
        ("a.csv", "yaw,pitch,roll\n"),
        ("a.json", "[[1, 2]]"),
        ("a.json", "{"),
        ("a.json", "[[1, 2, NaN]]"),
    ],
)
def test_anything_else_is_refused_in_words(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="expected"):
        read_track(tmp_path / name)


def test_the_track_goes_there_and_back_without_a_jump() -> None:
    track = PoseTrack(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float32))
    assert [track.moved(HeadPose(), n).yaw for n in range(6)] == [0, 1, 2, 1, 0, 1]
    assert PoseTrack(track.angles[1:2]).moved(HeadPose(), 7).yaw == 1


def test_the_head_never_turns_further_than_the_warp_shows_well() -> None:
    track = PoseTrack(np.array([[80, 0, 0]], np.float32))
    assert track.moved(HeadPose(yaw=4.0), 0).yaw == GREATEST_YAW
