from __future__ import annotations

import numpy as np

from realtime.audio.intake import GRACE_S, KEPT_BLOCKS, Intake
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, Sound

FRAME_S = 1 / FRAME_RATE
NOTHING = np.zeros(0, np.int16)


def voice(count: int) -> Sound:
    return np.arange(1, count + 1, dtype=np.int16)


def test_blocks_follow_the_samples_not_the_clock() -> None:
    intake = Intake(0.0)
    assert intake.take(5.0, voice(FRAME_SAMPLES - 1)) == []
    (block,) = intake.take(5.0, voice(2))
    assert block.tolist() == [*range(1, FRAME_SAMPLES), 1]


def test_a_short_hiccup_is_waited_out() -> None:
    intake = Intake(0.0)
    assert intake.take(GRACE_S - 0.001, NOTHING) == []
    assert intake.filled == 0


def test_silence_comes_once_a_frame_while_the_microphone_is_gone() -> None:
    intake = Intake(0.0)
    moments = np.arange(0.0, 10.0, 0.001)
    times = [float(now) for now in moments if intake.take(float(now), NOTHING)]
    assert np.allclose(np.diff(times), FRAME_S, atol=0.0011)
    assert len(times) == intake.filled == round((10.0 - GRACE_S) / FRAME_S)


def test_silence_is_not_made_up_for_after_a_sleep() -> None:
    intake = Intake(0.0)
    assert len(intake.take(3600.0, NOTHING)) == 1
    assert intake.take(3600.0 + FRAME_S / 2, NOTHING) == []


def test_a_burst_loses_its_oldest_blocks() -> None:
    intake = Intake(0.0)
    blocks = intake.take(0.2, np.repeat(np.arange(7, dtype=np.int16), FRAME_SAMPLES))
    assert [int(block[0]) for block in blocks] == [3, 4, 5, 6]
    assert len(blocks) == KEPT_BLOCKS
    assert intake.skipped == 3
