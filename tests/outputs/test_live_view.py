from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from realtime.outputs.live_view import HELP, CpuMeter, Health, live_view, meter, render

HEALTH = Health(
    look="ava, blur background",
    preparing=False,
    paused=False,
    muted=False,
    microphone_lost=False,
    delay_ms=190.4,
    level_dbfs=-20.0,
    cpu_percent=61.0,
    frames=1234,
    skipped=1,
    filled=2,
    overflows=3,
    gaps=4,
    pictures_dropped=5,
)


def text(health: Health) -> str:
    console = Console(width=120, record=True, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(render(health))
    return captured.get()


def test_everything_the_user_must_know_is_there() -> None:
    shown = text(HEALTH)
    for words in ("live", "190 ms", "-20 dBFS", "61 %", "1 late", "2 without", "3 over", "4 gaps"):
        assert words in shown
    assert "5 pictures, of 1234 frames" in shown
    assert "ava, blur background" in shown
    assert HELP in shown


@pytest.mark.parametrize(
    ("health", "word"),
    [
        (replace(HEALTH, muted=True), "muted"),
        (replace(HEALTH, paused=True, muted=True), "paused"),
        (replace(HEALTH, microphone_lost=True), "lost"),
        (replace(HEALTH, preparing=True), "another is being made"),
    ],
)
def test_states_are_named(health: Health, word: str) -> None:
    assert word in text(health)


@pytest.mark.parametrize(("level", "full"), [(-96.0, 0), (-60.0, 0), (-30.0, 15), (0.0, 30)])
def test_the_meter_spans_60_decibels(level: float, full: int) -> None:
    assert meter(level) == "█" * full + "·" * (30 - full)


def test_cpu_is_time_spent_over_time_passed() -> None:
    wall, cpu = iter((0.0, 2.0, 2.0)), iter((0.0, 1.5, 1.5))
    measured = CpuMeter(lambda: next(wall), lambda: next(cpu))
    assert measured.percent() == 75.0
    assert measured.percent() == 0.0


def test_messages_stay_above_the_table() -> None:
    console = Console(width=120, force_terminal=True)
    with console.capture() as captured, live_view(lambda: HEALTH, console):
        console.print("the microphone was lost")
    assert "the microphone was lost" in captured.get()
