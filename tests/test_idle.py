from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.clock import FRAME_RATE, seconds_to_frames
from realtime.idle import IdleLife

SEEDS = st.integers(0, 2**32)
MINUTE = 60 * FRAME_RATE


def poses(seed: int, frames: int, voice_level: float = 0.0) -> NDArray[np.float32]:
    idle = IdleLife(seed)
    return np.stack([idle.pose(index, voice_level).as_vector() for index in range(frames)])


def blink_starts(seed: int, frames: int) -> list[int]:
    idle = IdleLife(seed)
    shut = [idle.blink(index) > 0.4 for index in range(frames)]
    return [n for n in range(1, frames) if shut[n] and not shut[n - 1]]


def test_a_pure_function_of_seed_and_index() -> None:
    first, second = IdleLife(7), IdleLife(7)
    order = [500, 3, 90, 3, 500]
    once = [(first.pose(n, 0.5), first.blink(n)) for n in order]
    again = {n: (second.pose(n, 0.5), second.blink(n)) for n in sorted(order)}
    assert once == [again[n] for n in order]


def test_seeds_differ() -> None:
    assert IdleLife(0).pose(100, 0.0) != IdleLife(1).pose(100, 0.0)
    assert blink_starts(0, MINUTE) != blink_starts(1, MINUTE)


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_blinks_come_as_often_as_a_persons(seed: int) -> None:
    starts = blink_starts(seed, 3 * MINUTE)
    assert 10 <= len(starts) / 3 <= 22
    assert starts[0] <= seconds_to_frames(2.5)
    gaps = np.diff(starts)
    assert gaps.max() <= seconds_to_frames(6)
    assert gaps.min() >= seconds_to_frames(0.3), "lids rise before they fall again"


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_lids_shut_faster_than_they_rise(seed: int) -> None:
    idle = IdleLife(seed)
    start = blink_starts(seed, MINUTE)[0]
    lids = [idle.blink(n) for n in range(start - 2, start + 8)]
    top = int(np.argmax(lids))
    assert lids[top] == 1.0
    assert sum(0 < lid < 1 for lid in lids[:top]) < sum(0 < lid < 1 for lid in lids[top:])
    assert lids[-1] == 0.0


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_the_head_sways_a_few_degrees_and_smoothly(seed: int) -> None:
    turns = poses(seed, MINUTE)[:, :3]
    assert 1.0 < np.sqrt(turns.var(0).sum()) < 4.5
    assert np.abs(turns).max() < 8
    steps = np.abs(np.diff(turns, axis=0))
    assert steps.max() < 0.5, "degrees a frame"
    assert steps.max(1).min() > 1e-4, "no two frames are the same"


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_no_motion_above_the_band(seed: int) -> None:
    turns = poses(seed, 4096, voice_level=1.0)[:, :3]
    windowed = (turns - turns.mean(0)) * np.hanning(len(turns))[:, None]
    power = np.abs(np.fft.rfft(windowed, axis=0)) ** 2
    hz = np.fft.rfftfreq(len(turns), 1 / FRAME_RATE)
    assert power[hz > 0.65].sum() < 1e-4 * power.sum()


def test_speaking_is_livelier_and_fades_in() -> None:
    silent, speaking = poses(3, MINUTE), poses(3, MINUTE, voice_level=1.0)
    assert speaking[:, :3].var(0).sum() > 1.2 * silent[:, :3].var(0).sum()
    np.testing.assert_allclose(poses(3, 50, 0.5), (silent[:50] + speaking[:50]) / 2, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_breath_goes_in_and_out(seed: int) -> None:
    breath = poses(seed, MINUTE)[:, 5]
    assert 0 <= breath.min() < 0.05
    assert 0.95 < breath.max() <= 1
    crossings = np.count_nonzero(np.diff(breath > 0.5))
    assert 10 <= crossings / 2 <= 20, "breaths a minute"
