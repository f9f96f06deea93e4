"""The clock: samples, frames and blocks of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.clock import (
    FRAME_SAMPLES,
    LOOKAHEADS_MS,
    FrameCutter,
    frame_centre,
    frame_time,
    lookahead_frames,
    samples_to_seconds,
    seconds_to_samples,
)


def test_a_frame_is_forty_milliseconds_of_sound() -> None:
    assert samples_to_seconds(FRAME_SAMPLES) == frame_time(1) == 0.04
    assert seconds_to_samples(frame_centre(0)) == FRAME_SAMPLES // 2


def test_lookaheads_are_whole_frames_and_others_are_refused() -> None:
    assert [lookahead_frames(ms) for ms in LOOKAHEADS_MS] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="found 60"):
        lookahead_frames(60)


@given(st.lists(st.integers(0, 2000), max_size=20))
def test_the_cutter_loses_and_invents_nothing(lengths: list[int]) -> None:
    sound = np.arange(sum(lengths), dtype=np.int64).astype(np.int16)
    pieces = np.split(sound, np.cumsum(lengths)[:-1]) if lengths else []
    cutter = FrameCutter()
    blocks = [block for piece in pieces for block in cutter.push(piece)] + cutter.flush()
    assert all(len(block) == FRAME_SAMPLES for block in blocks)
    joined = np.concatenate([np.zeros(0, np.int16), *blocks])
    assert np.array_equal(joined[: len(sound)], sound)
    assert not joined[len(sound) :].any()
    assert len(joined) - len(sound) < FRAME_SAMPLES
    assert cutter.flush() == []
