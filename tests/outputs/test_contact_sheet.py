"""The contact sheet: which frames are chosen, and the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.clock import FRAME_SAMPLES
from realtime.errors import OutputError
from realtime.frame import Frame
from realtime.outputs.contact_sheet import ContactSheet, Phone, evenly, moments, read_phones

PHONES = [
    Phone("sil", 0.0, 0.1),
    Phone("p", 0.1, 0.2),
    Phone("æ", 0.2, 0.4),
    Phone("v", 0.4, 0.5),
    Phone("m", 0.5, 0.7),
    Phone("sil", 0.7, 1.9),
]


def test_moments_are_the_longest_of_their_kind() -> None:
    chosen = moments(PHONES, lambda index: float(index == 33), 50)
    assert chosen == {"open vowel": 7, "closure": 15, "f / v": 11, "silence": 32, "blink": 33}


def test_moments_behind_the_end_are_left_out() -> None:
    assert "silence" not in moments(PHONES, lambda _: 0.0, 20)


def test_even_frames_are_named_by_their_time() -> None:
    assert evenly(100, 2) == {"1.0 s": 25, "3.0 s": 75}


def test_phones_are_read_with_length_marks_taken_off(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("phone\tstart_s\tend_s\nɑː\t0.100\t0.250\n", "utf-8")
    assert read_phones(tmp_path / "p.tsv") == [Phone("ɑ", 0.1, 0.25)]


def test_the_sheet_shows_the_chosen_frames_in_order(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    with ContactSheet(path, {"late": 3, "early": 1}) as sheet:
        for index in range(5):
            image = np.full((40, 60, 3), 50 * index, np.uint8)
            sheet.write(Frame(index, image, np.zeros(FRAME_SAMPLES, np.int16)))
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape[1] == 120
    assert picture[20, 30, 0] == 150
    assert picture[20, 90, 0] == 50


def test_only_png_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"found sheet\.jpg"):
        ContactSheet(tmp_path / "sheet.jpg", {})
