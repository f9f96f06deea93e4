"""Phone labels: both alphabets, and the 10 ms grid."""

from __future__ import annotations

from pathlib import Path

from realtime.training.phones import (
    INDEX,
    UNKNOWN,
    Phone,
    label_grid,
    read_kokoro_phones,
    read_phones,
)


def test_the_grid_says_what_sounds_at_each_instant() -> None:
    phones = [Phone(7, 0.0, 0.02), Phone(9, 0.025, 0.05)]
    assert label_grid(phones, 7, fill=0).tolist() == [7, 7, 0, 9, 9, 0, 0]


def test_times_outside_the_file_are_cut_off() -> None:
    assert label_grid([Phone(7, -0.03, 0.01), Phone(9, 0.02, 0.9)], 4, 0).tolist() == [7, 0, 9, 9]


def test_a_word_border_belongs_to_the_phone_before(tmp_path: Path) -> None:
    path = tmp_path / "phones.tsv"
    path.write_text(
        "file\tutterance\tphone\tstart_s\tend_s\n"
        "a\tu\tsil\t0\t0.1\na\tu\tɜː\t0.1\t0.2\na\tu\t_\t0.2\t0.25\na\tu\tʧ\t0.25\t0.3\n"
    )
    assert read_kokoro_phones(path) == {
        "a": [
            Phone(INDEX["SIL"], 0.0, 0.1),
            Phone(INDEX["ER"], 0.1, 0.25),
            Phone(INDEX["CH"], 0.25, 0.3),
        ]
    }


def test_words_are_left_out_and_masked_phones_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "phones.tsv"
    path.write_text(
        "clip\tkind\tlabel\tstart_s\tend_s\n"
        "c\tword\tpa\t0\t0.2\nc\tphone\tP\t0\t0.1\nc\tphone\t?\t0.1\t0.2\n"
    )
    assert read_phones(path, "clip", "label") == {
        "c": [Phone(INDEX["P"], 0.0, 0.1), Phone(UNKNOWN, 0.1, 0.2)]
    }
