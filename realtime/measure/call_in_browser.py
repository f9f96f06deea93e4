"""`bench call --browser`."""

from __future__ import annotations

from realtime.call.engines import EngineRequest
from realtime.measure.clicks import Marking


def measure_in_browser(
    marking: Marking, request: EngineRequest, seconds: float
) -> dict[str, object]:
    raise NotImplementedError
