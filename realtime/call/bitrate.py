"""How many bits a second a picture may take: the one place that says so."""

from __future__ import annotations

from dataclasses import dataclass

from aiortc.codecs import h264, vpx


@dataclass(frozen=True)
class Bitrates:
    """Bits a second of one caller's picture: to begin with, and where congestion may move it."""

    start: int = 1_200_000
    least: int = 300_000
    most: int = 2_500_000


def apply(rates: Bitrates) -> None:
    """Sets aiortc's own limits, which are constants of its modules, for all calls to come."""
    for codec in (vpx, h264):
        vars(codec).update(
            DEFAULT_BITRATE=rates.start, MIN_BITRATE=rates.least, MAX_BITRATE=rates.most
        )
