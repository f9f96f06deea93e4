from __future__ import annotations

import itertools

import pytest

from realtime.idle import IdleLife
from realtime.manner import RANGES, Manner


@pytest.mark.parametrize("name", RANGES)
def test_a_number_beyond_its_range_is_refused(name: str) -> None:
    for value in (RANGES[name][0] - 0.1, RANGES[name][1] + 0.1, float("nan")):
        with pytest.raises(ValueError, match=name):
            Manner(**{name: value})


def test_the_head_comes_round_smoothly_and_arrives() -> None:
    asked = Manner(yaw=10.0, sway=0.0)
    manner, turned = Manner(), [0.0]
    for _ in range(75):
        manner = manner.towards(asked, lids_open=True)
        turned.append(manner.yaw)
    steps = [after - before for before, after in itertools.pairwise(turned)]
    assert min(steps) > 0
    assert max(steps) < 1.5, "degrees a frame"
    assert turned[-1] == pytest.approx(10, abs=0.01)


def test_the_blinks_change_only_while_the_lids_are_open() -> None:
    asked = Manner(blinks=2.0)
    assert Manner().towards(asked, lids_open=False).blinks == 1.0
    assert Manner().towards(asked, lids_open=True).blinks == 2.0


@pytest.mark.parametrize(("blinks", "least", "most"), [(0.0, 0, 0), (0.5, 18, 34), (2.0, 90, 130)])
def test_blinks_come_as_often_as_asked(blinks: float, least: int, most: int) -> None:
    idle, manner = IdleLife(3), Manner(blinks=blinks)
    shut = [idle.blink(index, manner) > 0.4 for index in range(3 * 1500)]
    starts = sum(after and not before for before, after in itertools.pairwise(shut))
    assert least <= starts <= most


def test_sway_and_posture_add_up() -> None:
    idle = IdleLife(1)
    still = idle.pose(50, 0.0, Manner(sway=0.0, yaw=3.0, pitch=-2.0, roll=1.0))
    assert (still.yaw, still.pitch, still.roll) == (3.0, -2.0, 1.0)
    once, twice = (idle.pose(50, 0.0, Manner(sway=sway)).yaw for sway in (1.0, 2.0))
    assert twice == pytest.approx(2 * once)
