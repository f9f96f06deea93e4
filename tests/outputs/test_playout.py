from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import FRAME_RATE, FRAME_SAMPLES, SAMPLE_RATE, Sound, samples_to_seconds
from realtime.outputs.playout import LIMIT_SAMPLES, MARGIN_SAMPLES, Playout, stretch

MARGIN_S = samples_to_seconds(MARGIN_SAMPLES)


def block(value: int) -> Sound:
    return np.full(FRAME_SAMPLES, value, np.int16)


def test_stretching_keeps_a_voice_what_it_is() -> None:
    """A tone of 2 kHz made 1 sample longer is that tone, 0.16 % lower, to within 2 %."""
    time = np.arange(FRAME_SAMPLES) / SAMPLE_RATE
    tone = (8000 * np.sin(2 * np.pi * 2000 * time)).astype(np.int16)
    longer = stretch(tone, FRAME_SAMPLES + 1)
    ideal = 8000 * np.sin(2 * np.pi * 2000 * np.linspace(0, time[-1], FRAME_SAMPLES + 1))
    assert len(longer) == FRAME_SAMPLES + 1
    assert np.abs(longer - ideal).max() < 0.02 * 8000
    assert (longer[0], longer[-1]) == (tone[0], tone[-1])


def test_what_fits_is_left_alone() -> None:
    sound = block(7)
    assert stretch(sound, FRAME_SAMPLES) is sound


def test_a_frame_is_heard_when_it_was_said_to_be() -> None:
    playout = Playout()
    playout.pull(160, heard_at=1.0)
    due = playout.write(block(5), now=1.0)
    heard = playout.pull(MARGIN_SAMPLES + 1, heard_at=1.01)
    assert due == pytest.approx(1.01 + MARGIN_S)
    assert heard.tolist() == [0] * MARGIN_SAMPLES + [5]


def test_one_gap_is_counted_once() -> None:
    playout = Playout()
    for n in range(3):
        playout.pull(160, n / 100)
    assert playout.underruns == 0
    playout.write(block(1), 0.03)
    for n in range(20):
        playout.pull(160, 0.03 + n / 100)
    assert playout.underruns == 1


def test_a_card_that_takes_nothing_is_not_queued_up_for() -> None:
    playout = Playout()
    playout.pull(160, 0.0)
    dues = [playout.write(block(1), n / FRAME_RATE) for n in range(250)]
    assert playout.waiting <= LIMIT_SAMPLES + FRAME_SAMPLES
    assert playout.dropped > 200
    assert dues[-1] == 249 / FRAME_RATE


def test_a_card_that_was_blocked_skips_what_is_late() -> None:
    playout = Playout()
    playout.pull(160, heard_at=0.0)
    for n in range(4):
        playout.write(block(n + 1), 0.0)
    late_s = 2 / FRAME_RATE
    heard = playout.pull(2 * FRAME_SAMPLES, heard_at=0.01 + late_s)
    assert MARGIN_SAMPLES == FRAME_SAMPLES
    assert heard[0] == 2
    assert playout.waiting > 0


@pytest.mark.parametrize("ppm", [-300, 300])
def test_drift_is_mended_without_a_gap(ppm: int) -> None:
    playout, random = Playout(), np.random.default_rng(0)
    waiting = []
    for n in range(FRAME_RATE * 600):
        playout.write(random.integers(-99, 99, FRAME_SAMPLES).astype(np.int16), n / FRAME_RATE)
        waiting.append(playout.waiting)
        taken = round((n + 1) * FRAME_SAMPLES * (1 + ppm * 1e-6)) - round(
            n * FRAME_SAMPLES * (1 + ppm * 1e-6)
        )
        playout.pull(taken, n / FRAME_RATE)
    assert playout.underruns == 0
    assert abs(waiting[-1] - MARGIN_SAMPLES - FRAME_SAMPLES) < 0.005 * SAMPLE_RATE
