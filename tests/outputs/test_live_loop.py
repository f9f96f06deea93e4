"""The live loop on a fake clock: picture and sound together, through everything that goes wrong.

Limits of skew are those of broadcasting: sound at most 15 ms before its picture, 60 ms after it.
"""

from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import FRAME_RATE, FRAME_SAMPLES, Sound
from realtime.frame import Frame
from realtime.outputs.live_loop import SILENCE_DBFS, LiveLoop, level_dbfs
from realtime.outputs.playout import MARGIN_SAMPLES
from tests.engines import EchoEngine
from tests.outputs.live_world import Faults, World

EARLY_S, LATE_S = 0.015, 0.060
RECOVERY_S = 2.0
FAULT_S = 5.0


def in_sync(early_s: list[float]) -> bool:
    return all(-LATE_S <= by <= EARLY_S for by in early_s)


def all_in_sync(world: World, start: float, end: float) -> bool:
    """And nothing is missing: nearly every frame of that time was seen and heard."""
    early_s = world.early_s(start, end)
    return len(early_s) > 0.99 * FRAME_RATE * (end - start) - 1 and in_sync(early_s)


FAULTS: dict[str, Faults] = {
    "microphone stalls, then gives all": {"late": (FAULT_S, FAULT_S + 0.2)},
    "microphone loses 200 ms": {"lost": (FAULT_S, FAULT_S + 0.2)},
    "xrun": {"lost": (FAULT_S, FAULT_S + 0.05)},
    "microphone unplugged for 5 s": {"lost": (FAULT_S, FAULT_S + 5)},
    "engine hangs for 200 ms": {"slow": (FAULT_S, FAULT_S + 0.2)},
    "engine hangs for a second": {"slow": (FAULT_S, FAULT_S + 1)},
    "sound card blocks for a second": {"card blocked": (FAULT_S, FAULT_S + 1)},
    "camera blocks for a second": {"camera blocked": (FAULT_S, FAULT_S + 1)},
}


@pytest.mark.parametrize("rate", [25, 30])
@pytest.mark.parametrize("ppm", [-300, 0, 300])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_over_after_two_seconds(fault: str, ppm: int, rate: int) -> None:
    (span,) = FAULTS[fault].values()
    world = World(microphone_ppm=ppm, card_ppm=-ppm, rate=rate, faults=FAULTS[fault])
    world.run(20)
    recovered = span[1] + RECOVERY_S
    assert all_in_sync(world, 2, FAULT_S - 0.2)
    assert all_in_sync(world, recovered, 19.5)
    before = np.median(world.delays_s(2, FAULT_S - 0.2))
    assert max(world.delays_s(recovered, 19.5)) < before + 0.020


@pytest.mark.parametrize("fault", [name for name in FAULTS if "camera" not in name])
def test_what_is_seen_and_heard_is_in_sync_even_during_a_fault(fault: str) -> None:
    world = World(faults=FAULTS[fault])
    world.run(20)
    assert in_sync(world.early_s(0, 19))


def test_the_picture_lives_on_without_a_microphone() -> None:
    world = World(faults={"lost": (2.0, 12.0)})
    world.run(20)
    shown = np.array(sorted(world.shown.values()))
    assert np.diff(shown).max() < 0.170
    assert world.loop.intake.filled == pytest.approx(10 * FRAME_RATE, abs=5)


@pytest.mark.parametrize(("step_s", "shown"), [(0.045, 0.88), (0.060, 0.66), (0.105, 0.37)])
def test_a_slow_engine_leaves_pictures_out_and_loses_no_sound(step_s: float, shown: float) -> None:
    world = World(step_s=step_s)
    world.run(30)
    early = world.early_s(10, 29)
    assert world.loop.intake.skipped == world.playout.dropped == 0
    assert len(world.heard) >= world.loop.frames - 3
    assert world.playout.underruns < 0.03 * world.loop.frames
    assert max(world.delays_s(10, 29)) < 0.25
    assert in_sync(early)
    assert len(early) > shown * FRAME_RATE * 19 - 1


def test_two_hours_do_not_drift() -> None:
    world = World(microphone_ppm=300, card_ppm=-300)
    world.run(60)
    first = np.median(world.delays_s(10, 60))
    world.run(7200 - 60)
    assert world.playout.underruns <= 1
    assert world.playout.dropped == world.schedule.dropped == world.loop.intake.skipped == 0
    assert world.playout.waiting <= MARGIN_SAMPLES + 2 * FRAME_SAMPLES
    assert all_in_sync(world, 60, 7199)
    delays = np.array(world.delays_s(60, 7199))
    assert np.abs(delays - first).max() < 0.020
    assert world.loop.frames == pytest.approx(7200 * FRAME_RATE * 1.0003, abs=2)


class Shown:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def put(self, frame: Frame, due: float) -> None:
        assert due == 0.0
        self.frames.append(frame)


def loud(count: int = 1) -> Sound:
    return np.full(count * FRAME_SAMPLES, 5000, np.int16)


def loop_and_sink(lookahead: int = 0) -> tuple[LiveLoop, Shown]:
    sink = Shown()
    return LiveLoop(EchoEngine(lookahead), [sink], None, lambda: 0.0), sink


def test_a_pause_shows_one_still_and_lets_nothing_be_heard() -> None:
    loop, sink = loop_and_sink(lookahead=1)
    loop.tick(loud())
    loop.pause(True)
    for _ in range(3):
        loop.tick(loud())
    loop.pause(False)
    for _ in range(2):
        loop.tick(loud())
    assert [frame.index for frame in sink.frames] == list(range(6))
    stills = [frame.image for frame in sink.frames[1:4]]
    assert all(image is stills[0] for image in stills)
    assert stills[0].any()
    # The frame before the pause was still in the lookahead: it is forgotten, not heard later.
    assert [int(frame.sound.max()) for frame in sink.frames] == [0, 0, 0, 0, 0, 5000]


def test_muted_means_nobody_hears_and_the_picture_goes_on() -> None:
    loop, sink = loop_and_sink()
    loop.muted = True
    loop.tick(loud(2))
    loop.muted = False
    loop.tick(loud(2))
    assert [int(frame.sound.max()) for frame in sink.frames] == [0, 0, 5000, 5000]
    assert len({int(frame.image[0, 0, 0]) for frame in sink.frames}) == 4


def test_level_is_in_decibels_of_full_scale() -> None:
    assert level_dbfs(np.full(640, 16384, np.int16)) == pytest.approx(-6.02, abs=0.01)
    assert level_dbfs(np.zeros(640, np.int16)) == SILENCE_DBFS
