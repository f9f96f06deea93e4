"""What is counted and timed while calls go on, for the caller and for Prometheus."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector

_SKEWS = (-0.06, -0.045, -0.03, -0.015, 0.0, 0.015, 0.03, 0.045, 0.06)
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.2, 0.5)
# Ten seconds of frames.
_RECENT = 250


class Metrics:
    """Sums over all calls, in Prometheus' text form. `process_resident_memory_bytes` is the RSS."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.step = self._histogram("step", "One step of the engine")
        self.encode = self._histogram("encode", "Encoding and sending one picture")
        self.queue = self._histogram("queue", "Sound complete until its frame is released")
        self.skew = self._histogram("skew", "Sound leaving sooner than its picture", _SKEWS)
        self.frames = self._counter("frames", "Frames released")
        self.dropped = self._counter("dropped", "Blocks of sound and pictures dropped as late")
        self.concealed = self._counter("concealed_seconds", "Sound of the caller made up")
        self.sessions = Gauge("avatar_sessions", "Calls going on", registry=self.registry)
        self.refused = self._counter("refused", "Requests refused, by status", ["status"])

    def text(self) -> bytes:
        """Everything, as /metrics shows it."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
        return Histogram(f"avatar_{name}_seconds", what, registry=self.registry, buckets=buckets)

    def _counter(self, name: str, what: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"avatar_{name}", what, labels or [], registry=self.registry)


def _recent() -> deque[float]:
    return deque(maxlen=_RECENT)


@dataclass
class CallMeters:
    """One call's last ten seconds. All times are seconds."""

    step: deque[float] = field(default_factory=_recent)
    queue: deque[float] = field(default_factory=_recent)
    skew: deque[float] = field(default_factory=_recent)
    released: deque[float] = field(default_factory=_recent)
    frames: int = 0
    dropped: int = 0

    def fps(self, now: float) -> float:
        """Frames released in the last second."""
        return float(sum(now - at < 1 for at in self.released))

    def load(self, now: float) -> float:
        """Seconds of stepping in the last second."""
        return self.fps(now) * median_ms(self.step) / 1000


def median_ms(seconds: deque[float]) -> float:
    """Median in ms, one decimal; 0 where there is nothing yet."""
    return round(float(np.median(seconds)) * 1000, 1) if seconds else 0.0
