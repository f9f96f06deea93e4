"""A cluster on a fake clock: callers come, stay and leave; a worker drains, another dies.

Placement is `realtime.cluster.placement` itself; a worker here is its calls, its places, and step
times drawn from measured ones.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from realtime.clock import FRAME_RATE
from realtime.cluster.placement import Board, Report

_STAY_S = 600.0
# As many callers as the plan has come within so long; then as many come as leave.
_FILL_S = 60.0
# Workers report so often, and a front hears it so much later.
_REPORT_EVERY_S, _REPORT_TAKES_S = 0.5, 0.05
# A worker that died is back after so long, empty.
_RESTART_S = 15.0
# A page whose call broke calls again after so long; one that was refused, after so long.
_REDIAL_S, _RETRY_S = 1.0, 10.0
_STEPS_A_REPORT = 25


@dataclass(frozen=True)
class Plan:
    """So many callers at once on average, on so many workers; times are seconds.

    places, cores: of each worker. fronts: how many place calls, each with a board of its own.
    drain_s: when the first worker is drained. death_s: when the last one dies.
    """

    sessions: int
    workers: int
    places: int
    cores: float
    fronts: int = 3
    seconds: float = 1200.0
    drain_s: float = 300.0
    death_s: float = 700.0


@dataclass
class Outcome:
    """times, busiest, mean: s, and calls of the fullest worker and of an average one, of those
    that take calls. placed, refused: calls begun, and not. refused_with_room: refused while a
    worker had a place free. lost: callers of the drained worker whose call it broke. redialled:
    those of the dead one.
    """

    times: list[float] = field(default_factory=list)
    busiest: list[int] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    placed: int = 0
    refused: int = 0
    refused_with_room: int = 0
    lost: int = 0
    redialled: int = 0

    @property
    def busiest_over_mean(self) -> float:
        """The greatest ratio once the cluster is full."""
        ratios = np.array(self.busiest) / np.maximum(self.mean, 1e-9)
        return float(ratios[np.array(self.times) > 2 * _FILL_S].max())


class _Worker:
    def __init__(self, number: int, plan: Plan) -> None:
        self.number = number
        self.calls: set[int] = set()
        self.alive = True
        self.draining = False
        self._plan = plan

    @property
    def free(self) -> int:
        taking = self.alive and not self.draining
        return self._plan.places - len(self.calls) if taking else 0

    def report(self, step_s: float) -> Report:
        load = len(self.calls) * step_s * FRAME_RATE / self._plan.cores
        places = self._plan.places
        return Report(str(self.number), load, len(self.calls), places, draining=self.draining)


class Simulation:
    """One run of a plan. `steps_s` are measured times of an engine's step."""

    def __init__(self, plan: Plan, steps_s: NDArray[np.float64], seed: int) -> None:
        self._plan = plan
        self._steps_s = steps_s
        self._random = np.random.default_rng(seed)
        self._workers = [_Worker(number, plan) for number in range(plan.workers)]
        self._boards = [Board() for _ in range(plan.fronts)]
        self._events: list[tuple[float, int, str, object]] = []
        self._scheduled = 0
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """What came of the plan: the same for the same seed."""
        plan = self._plan
        for at in self._random.uniform(0, _FILL_S, plan.sessions):
            self._at(at, "call")
        self._at(_FILL_S, "come")
        self._hear(0.0, (0.0, self._reports()))  # a front opens when it knows its workers
        self._at(0.0, "report")
        self._at(plan.drain_s, "drain")
        self._at(plan.death_s, "die")
        while self._events[0][0] <= plan.seconds:
            now, _, event, about = heapq.heappop(self._events)
            getattr(self, f"_{event}")(now, about)
        return self._outcome

    def _at(self, when: float, event: str, about: object = None) -> None:
        self._scheduled += 1
        heapq.heappush(self._events, (float(when), self._scheduled, event, about))

    def _come(self, now: float, _: object) -> None:
        """Poisson arrivals."""
        self._call(now, None)
        self._at(now + self._random.exponential(_STAY_S / self._plan.sessions), "come")

    def _call(self, now: float, _: object) -> None:
        board = self._boards[int(self._random.integers(len(self._boards)))]
        worker = self._taking(board, now) or self._taking(self._asked_anew(board, now), now)
        if worker is None:
            self._outcome.refused += 1
            self._outcome.refused_with_room += any(each.free > 0 for each in self._workers)
            self._at(now + _RETRY_S, "call")
            return
        self._outcome.placed += 1
        worker.calls.add(self._outcome.placed)
        stay = self._random.exponential(_STAY_S)
        self._at(now + stay, "leave", (worker, self._outcome.placed))

    def _asked_anew(self, board: Board, now: float) -> Board:
        """As a front does before it refuses."""
        for report in self._reports():
            board.hear(report, now)
        return board

    def _taking(self, board: Board, now: float) -> _Worker | None:
        """As a front does: the next worker where one is gone or has just filled."""
        tried: set[str] = set()
        while (name := board.place(now, tried)) is not None:
            tried.add(name)
            worker = self._workers[int(name)]
            if worker.free > 0:
                return worker
            if not worker.alive:
                board.forget(name)
        return None

    def _leave(self, _: float, about: tuple[_Worker, int]) -> None:
        worker, call = about
        worker.calls.discard(call)

    def _report(self, now: float, _: object) -> None:
        self._at(now + _REPORT_TAKES_S, "hear", (now, self._reports()))
        self._at(now + _REPORT_EVERY_S, "report")
        taking = [len(each.calls) for each in self._workers if each.alive and not each.draining]
        self._outcome.times.append(now)
        self._outcome.busiest.append(max(taking))
        self._outcome.mean.append(float(np.mean(taking)))

    def _reports(self) -> list[Report]:
        alive = [each for each in self._workers if each.alive]
        steps = self._random.choice(self._steps_s, (len(alive), _STEPS_A_REPORT)).mean(1)
        return [each.report(float(step)) for each, step in zip(alive, steps, strict=True)]

    def _hear(self, _: float, about: tuple[float, list[Report]]) -> None:
        asked, reports = about
        for report in reports:
            for board in self._boards:
                board.hear(report, asked)
            if report.drained:
                self._end(self._workers[int(report.worker)])

    def _end(self, worker: _Worker) -> None:
        self._outcome.lost += len(worker.calls)
        worker.alive = False
        for board in self._boards:
            board.forget(str(worker.number))

    def _drain(self, _: float, __: object) -> None:
        self._workers[0].draining = True

    def _die(self, now: float, _: object) -> None:
        dead = self._workers[-1]
        dead.alive = False
        self._outcome.redialled = len(dead.calls)
        for _call in dead.calls:
            self._at(now + _REDIAL_S, "call")
        dead.calls.clear()
        self._at(now + _RESTART_S, "revive")

    def _revive(self, _: float, __: object) -> None:
        self._workers[-1].alive = True
