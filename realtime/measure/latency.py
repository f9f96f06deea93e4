"""The latency sum: every term between a sound and the picture that shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.table import Table

from realtime.clock import FRAME_MS
from realtime.outputs.playback import Timings

Row = tuple[str, float, float]


def latency_rows(timings: Timings, lookahead_ms: int) -> list[Row]:
    """(term, median ms, 99 % ms) for each term, and their sum last.

    A sample waits until its frame of sound is full: half a frame in the middle, a whole one at
    worst. The log-mel window ends at the newest sample and adds nothing.
    """
    rows: list[Row] = [
        ("frame of sound fills", FRAME_MS / 2, float(FRAME_MS)),
        ("lookahead", float(lookahead_ms), float(lookahead_ms)),
        ("engine step", *_percentiles(timings.step)),
        ("output (H.264 and AAC)", *_percentiles(timings.output)),
    ]
    return [*rows, ("sum", sum(row[1] for row in rows), sum(row[2] for row in rows))]


def latency_table(timings: Timings, lookahead_ms: int) -> Table:
    """The same as a table for the terminal."""
    table = Table("from sound to picture", box=box.SIMPLE)
    for heading in ("median ms", "99 % ms"):
        table.add_column(heading, justify="right")
    for name, median, high in latency_rows(timings, lookahead_ms):
        table.add_row(name, f"{median:.1f}", f"{high:.1f}")
    return table


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    median, high = 1e3 * np.quantile(seconds, (0.5, 0.99))
    return float(median), float(high)
