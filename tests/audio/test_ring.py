from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.ring import Ring

CAPACITY = 50


def counting(start: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.arange(start, start + count, dtype=np.int16)


@given(st.lists(st.tuples(st.integers(0, 120), st.booleans()), max_size=30))
def test_what_is_read_is_what_was_written_less_the_oldest(
    writes: list[tuple[int, bool]],
) -> None:
    ring, written, expected, read, dropped = Ring(CAPACITY), 0, list[int](), list[int](), 0
    waiting = list[int]()
    for count, reads in writes:
        ring.write(counting(written, count))
        waiting += range(written, written + count)
        written += count
        if reads:
            dropped += max(0, len(waiting) - CAPACITY)
            expected += waiting[-CAPACITY:]
            waiting.clear()
            read += ring.read().tolist()
    assert read == expected
    assert ring.dropped == dropped


def test_waiting_ends_when_samples_come() -> None:
    ring = Ring(CAPACITY)
    writer = threading.Thread(target=ring.write, args=(counting(0, 3),))
    writer.start()
    ring.wait(60.0)
    assert ring.read().tolist() == [0, 1, 2]
    writer.join()


def test_waiting_ends_without_samples() -> None:
    ring = Ring(CAPACITY)
    ring.wait(0.0)
    assert len(ring.read()) == 0


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="found 0"):
        Ring(0)
