"""What the terminal shows during a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

_METER_CELLS = 30
_METER_FLOOR_DBFS = -60.0
HELP = "p pause   m mute   a avatar   b background   ←→↑↓ turn   , . tilt   0 front   q quit"


@dataclass(frozen=True)
class Health:
    """The state of a call at one moment."""

    look: str
    preparing: bool
    paused: bool
    muted: bool
    microphone_lost: bool
    delay_ms: float
    level_dbfs: float
    cpu_percent: float
    frames: int
    skipped: int
    filled: int
    overflows: int
    gaps: int
    pictures_dropped: int


def meter(level_dbfs: float) -> str:
    """A bar of 30 cells for -60 to 0 dBFS."""
    part = 1 - max(_METER_FLOOR_DBFS, min(0.0, level_dbfs)) / _METER_FLOOR_DBFS
    full = round(part * _METER_CELLS)
    return "█" * full + "·" * (_METER_CELLS - full)


def render(health: Health) -> RenderableType:
    """One table, and the keys."""
    state = "paused" if health.paused else "muted" if health.muted else "live"
    table = Table.grid(padding=(0, 2))
    rows = (
        ("state", state),
        ("shown", f"{health.look}{', another is being made' if health.preparing else ''}"),
        ("microphone", "lost" if health.microphone_lost else _level(health.level_dbfs)),
        ("delay", f"{health.delay_ms:.0f} ms, picture and voice alike"),
        ("dropped", _drops(health)),
        ("cpu", f"{health.cpu_percent:.0f} % of one core"),
    )
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    return Group(table, Text(HELP, style="dim"))


def _level(level_dbfs: float) -> str:
    return f"{meter(level_dbfs)} {level_dbfs:.0f} dBFS"


def _drops(health: Health) -> str:
    return (
        f"{health.skipped} late, {health.filled} without microphone, {health.overflows} overflows, "
        f"{health.gaps} gaps in the voice, {health.pictures_dropped} pictures, "
        f"of {health.frames} frames"
    )


class CpuMeter:
    """Time spent computing as a part of the time that passed, between one look and the next."""

    def __init__(
        self,
        wall: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._wall, self._cpu = wall, cpu
        self._last = wall(), cpu()

    def percent(self) -> float:
        """Since the last call; 100 is one whole core."""
        now = self._wall(), self._cpu()
        passed, spent = now[0] - self._last[0], now[1] - self._last[1]
        self._last = now
        return 100 * spent / passed if passed > 0 else 0.0


def live_view(health: Callable[[], Health], console: Console) -> Live:
    """A context in which `health` is redrawn four times a second, below what `console` prints."""
    return Live(
        get_renderable=lambda: render(health()),
        console=console,
        refresh_per_second=4,
        transient=True,
    )
