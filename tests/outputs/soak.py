"""A long call in a real room, measured every minute: `python -m tests.outputs.soak --minutes 30`.

Prints delay and memory as they go; fails when either grows.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest

from realtime.outputs.webcam import WebcamOptions
from tests.outputs.real_call import Delays, RealCall, real_engine
from tests.outputs.sound_server import sound_server

_DELAY_GROWS_MS = 10.0
_MEMORY_GROWS_MB = 20.0
_PAGE_BYTES = 4096
Row = tuple[Delays, float]


def memory_mb() -> float:
    """What this process holds now, as Linux tells it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES / (1 << 20)


def minutes_of(call: RealCall, minutes: int) -> list[Row]:
    call.listen()
    rows = []
    for minute in range(1, minutes + 1):
        call.wait(60.0)
        rows.append((call.delays(), memory_mb()))
        delays, memory = rows[-1]
        print(
            f"minute {minute:2d}: picture {delays.picture_ms:.1f} ms late, voice "
            f"{delays.difference_ms:+.1f} ms behind it, {memory:.0f} MB",
            flush=True,
        )
    return rows


def grown(values: list[float]) -> float:
    """The median of the last third over that of the first, which begins after a minute."""
    third = max(1, len(values) // 3)
    return float(np.median(values[-third:]) - np.median(values[:third]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30, help="how long to call, 2 to 40")
    minutes = parser.parse_args().minutes
    engine, _ = real_engine()
    with pytest.MonkeyPatch.context() as patch, sound_server(patch) as server:
        outcome = RealCall(engine, server, patch).run(
            lambda call: minutes_of(call, minutes), WebcamOptions(80, microphone="pulse")
        )
    delay_ms = grown([delays.picture_ms for delays, _ in outcome.given])
    memory = grown([memory for _, memory in outcome.given])
    worst_ms = max(abs(delays.difference_ms) for delays, _ in outcome.given)
    health = outcome.health
    print(f"delay grew by {delay_ms:.1f} ms, memory by {memory:.1f} MB")
    print(f"voice and picture at most {worst_ms:.1f} ms apart; {health}")
    return int(abs(delay_ms) > _DELAY_GROWS_MS or memory > _MEMORY_GROWS_MB)


if __name__ == "__main__":
    sys.exit(main())
