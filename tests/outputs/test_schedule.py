from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import FRAME_SAMPLES, frame_time
from realtime.frame import Frame
from realtime.outputs.schedule import Backlog, MediaClock, Schedule


def frame(index: int) -> Frame:
    return Frame(index, np.zeros((2, 2, 3), np.uint8), np.zeros(FRAME_SAMPLES, np.int16))


def showings(schedule: Schedule, count: int, latency_s: float = 1.0) -> list[tuple[float, int]]:
    """(time, frame number) of everything shown when every frame is due a second late."""
    shown = []
    for index in range(count):
        schedule.put(frame(index), frame_time(index) + latency_s)
        while (due := schedule.next_due()) is not None:
            picture = schedule.pop(due)
            assert picture is not None
            shown.append((due - latency_s, picture.index))
    return shown


def test_at_25_every_frame_is_shown_once_and_on_time() -> None:
    times, indices = zip(*showings(Schedule(25), 50), strict=True)
    assert times == pytest.approx([frame_time(index) for index in range(50)])
    assert indices == tuple(range(50))


def test_at_30_ticks_are_even_and_every_fifth_frame_is_held() -> None:
    shown = showings(Schedule(30), 250)
    times, indices = (np.array(column) for column in zip(*shown, strict=True))
    assert np.allclose(np.diff(times), 1 / 30)
    counts = np.bincount(indices)[1:-1]
    held = np.flatnonzero(counts == 2)
    assert set(counts.tolist()) == {1, 2}
    assert np.all(np.diff(held) == 5)


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="found 60"):
        Schedule(60)


def test_nothing_is_shown_before_its_time() -> None:
    schedule = Schedule()
    schedule.put(frame(0), 1.0)
    assert schedule.pop(0.999) is None
    assert schedule.pop(1.0) is not None


def test_a_slow_output_sees_the_newest_and_the_rest_is_counted() -> None:
    schedule = Schedule(limit=12)
    for index in range(100):
        schedule.put(frame(index), frame_time(index))
    newest = schedule.pop(100.0)
    assert newest is not None
    assert newest.index == 99
    assert schedule.dropped == 99
    assert schedule.next_due() is None


def test_jitter_is_smoothed_and_a_jump_is_followed() -> None:
    clock, random = MediaClock(), np.random.default_rng(0)
    jitter = random.uniform(-0.01, 0.01, 200)
    smooth = [clock.place(n, frame_time(n) + jitter[n]) - frame_time(n) for n in range(200)]
    assert np.std(smooth[20:]) < 0.5 * np.std(jitter)
    assert clock.place(200, frame_time(200) + 0.5) == pytest.approx(frame_time(200) + 0.5)


def test_a_backlog_keeps_order_and_drops_the_newest() -> None:
    backlog = Backlog(limit=3)
    for index in range(5):
        backlog.put(frame(index), 99.0)
    assert backlog.dropped == 2
    popped = [backlog.pop(0.0) for _ in range(4)]
    assert [picture and picture.index for picture in popped] == [0, 1, 2, None]
    assert backlog.next_due() is None
