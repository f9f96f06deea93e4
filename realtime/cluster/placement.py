"""Which worker takes the next call: the one with most room. Pure: reports and times come in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

# A machine whose memory is fuller than this share takes no more calls.
_FULL_MEMORY = 0.9
# A worker not heard of for so long, s, is sent no calls.
_FRESH_S = 3.0


@dataclass(frozen=True)
class Report:
    """What a worker says of itself.

    load: busy time over 40 ms a frame, as a share of all its cores. sessions: calls it holds, of at
    most `places`. memory: share of its machine's memory in use. draining: it takes no new calls.
    """

    worker: str
    load: float
    sessions: int
    places: int
    memory: float = 0.0
    draining: bool = False

    @property
    def drained(self) -> bool:
        """Whether its last call is over, so that it may end."""
        return self.draining and self.sessions == 0

    def room(self, coming: int = 0) -> float:
        """Share of it that is free once `coming` calls more have begun; 0 if it can take none."""
        if self.draining or self.memory > _FULL_MEMORY or self.sessions + coming >= self.places:
            return 0.0
        each = self.load / self.sessions if self.sessions else 1 / self.places
        free = min(1 - self.load - coming * each, 1 - (self.sessions + coming) / self.places)
        return max(free, 0.0)


class Board:
    """The last report of every worker, and the calls sent to it since; times are seconds."""

    def __init__(self) -> None:
        self._reports: dict[str, Report] = {}
        self._heard: dict[str, float] = {}
        self._sent: dict[str, list[float]] = {}

    @property
    def reports(self) -> list[Report]:
        """The last report of every worker known."""
        return list(self._reports.values())

    def hear(self, report: Report, asked: float) -> None:
        """A report that was asked for at `asked`: it counts all calls sent before."""
        worker = report.worker
        self._reports[worker], self._heard[worker] = report, asked
        self._sent[worker] = [at for at in self._sent.get(worker, []) if at > asked]

    def forget(self, worker: str) -> None:
        """A worker that is gone."""
        for book in (self._reports, self._heard, self._sent):
            book.pop(worker, None)

    def place(self, now: float, but: Collection[str] = ()) -> str | None:
        """The worker for a call that comes now, none of `but`; None if there is no room."""
        best = max(
            (each for each in self._reports if each not in but),
            key=lambda worker: self._room(worker, now),
            default=None,
        )
        if best is None or self._room(best, now) == 0:
            return None
        self._sent[best].append(now)
        return best

    def _room(self, worker: str, now: float) -> float:
        if now - self._heard[worker] > _FRESH_S:
            return 0.0
        return self._reports[worker].room(len(self._sent[worker]))
