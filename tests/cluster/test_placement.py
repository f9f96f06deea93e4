from __future__ import annotations

import pytest

from realtime.cluster.placement import Board, Report


def board(*reports: Report) -> Board:
    made = Board()
    for report in reports:
        made.hear(report, 0.0)
    return made


def test_most_room_first() -> None:
    busy, idle = Report("busy", 0.6, 2, 8), Report("idle", 0.2, 2, 8)
    assert board(busy, idle).place(0.1) == "idle"


def test_places_count_as_much_as_load() -> None:
    crowded, roomy = Report("crowded", 0.1, 7, 8), Report("roomy", 0.5, 1, 8)
    assert board(crowded, roomy).place(0.1) == "roomy"


def test_calls_sent_since_the_last_report_count() -> None:
    two = board(Report("a", 0.0, 0, 4), Report("b", 0.0, 0, 4))
    assert sorted(str(two.place(0.1)) for _ in range(8)) == ["a"] * 4 + ["b"] * 4
    assert two.place(0.1) is None


def test_a_report_counts_what_was_sent_before_it_was_asked_for() -> None:
    one = board(Report("a", 0.0, 0, 2))
    one.place(1.0)
    one.place(3.0)
    one.hear(Report("a", 0.1, 1, 2), 2.0)
    assert one.place(3.5) is None
    one.hear(Report("a", 0.0, 0, 2), 4.0)
    assert one.place(4.5) == "a"


@pytest.mark.parametrize(
    "full",
    [
        Report("w", 0.2, 4, 4),
        Report("w", 1.0, 1, 4),
        Report("w", 0.0, 0, 4, memory=0.95),
        Report("w", 0.0, 0, 4, draining=True),
    ],
)
def test_no_room(full: Report) -> None:
    assert full.room() == 0
    assert board(full).place(0.0) is None


def test_the_load_of_one_more_call_must_fit() -> None:
    assert Report("w", 0.8, 2, 8).room(coming=1) == 0
    assert Report("w", 0.4, 2, 8).room(coming=1) > 0


def test_a_silent_or_forgotten_worker_is_sent_nothing() -> None:
    one = board(Report("a", 0.0, 0, 4))
    assert one.place(2.9) == "a"
    assert one.place(3.1) is None
    one.hear(Report("a", 0.0, 0, 4), 3.1)
    assert one.place(3.2, but={"a"}) is None
    one.forget("a")
    assert one.place(3.2) is None
    assert one.reports == []
