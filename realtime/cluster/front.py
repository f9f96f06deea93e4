"""The front of a cluster: sends each call to a worker, and every request to the call's own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

from prometheus_client import Counter, Gauge

from realtime.call.calls import Answered
from realtime.call.engines import EngineRequest
from realtime.call.limits import RefusalError
from realtime.call.meters import Metrics
from realtime.call.tracks import Clock
from realtime.cluster.call_names import worker_of
from realtime.cluster.placement import Board, Report

log = logging.getLogger(__name__)

_ASK_EVERY_S = 0.5
# A worker has so long to report; one silent for so long is started anew. One that is starting
# loads its networks first.
_REPORT_S = 0.4
_SILENT_S, _STARTING_S = 5.0, 120.0
_FULL = "All places are taken: try again in a minute."
_GONE = "The worker that held this call is gone: call again."


class UnreachableError(Exception):
    """A worker that does not answer: dead, starting anew, or not ours."""


class Workers(Protocol):
    """The workers of the cluster, by name."""

    async def names(self) -> list[str]:
        """All that were started and not ended."""

    async def ask(self, worker: str, method: str, *arguments: object) -> Any:
        """A method of `realtime.cluster.worker.Worker`.

        Raises UnreachableError, and RefusalError as the worker does.
        """

    async def restart(self, worker: str) -> None:
        """Kills a worker that hangs; the cluster starts it anew."""

    async def end(self, worker: str) -> None:
        """Ends a worker for good."""


class Front:
    """The calls of a cluster (`realtime.call.calls.Calls`).

    It keeps nothing but the workers' last reports: any number of fronts may stand side by side.
    """

    def __init__(self, workers: Workers, secret: bytes, metrics: Metrics, clock: Clock) -> None:
        self._workers = workers
        self._secret = secret
        self._clock = clock
        self._board = Board()
        self._silent: dict[str, float] = {}
        self._started: set[str] = set()
        registry = metrics.registry
        self._sessions = Gauge(
            "avatar_worker_sessions", "Calls of a worker", ["worker"], registry=registry
        )
        self._load = Gauge(
            "avatar_worker_load", "Its busy time over 40 ms a frame", ["worker"], registry=registry
        )
        self._restarted = Counter(
            "avatar_worker_restarts", "Workers started anew", registry=registry
        )

    @property
    def reports(self) -> list[Report]:
        """What the workers last said of themselves."""
        return self._board.reports

    async def open(self, request: EngineRequest, offer: str) -> Answered:
        """A call on the worker with most room; the next one where it is gone or just filled.

        Nobody is refused before all workers were asked anew.
        """
        answered = await self._open(request, offer)
        if answered is None:
            await self.look()
            answered = await self._open(request, offer)
        if answered is None:
            raise RefusalError(503, _FULL)
        return answered

    async def _open(self, request: EngineRequest, offer: str) -> Answered | None:
        tried: set[str] = set()
        while (worker := self._board.place(self._clock(), tried)) is not None:
            tried.add(worker)
            try:
                return Answered(*await self._workers.ask(worker, "open", request, offer))
            except UnreachableError:
                self._board.forget(worker)
            except RefusalError as refusal:
                if refusal.status != 503:
                    raise
        return None

    async def watch(self, call: str, offer: str) -> Answered:
        return Answered(*await self._pass_on(call, "watch", call, offer))

    async def trickle(self, call: str, watcher: str | None, fragment: str) -> None:
        await self._pass_on(call, "trickle", call, watcher, fragment)

    async def hang_up(self, call: str) -> None:
        await self._pass_on(call, "hang_up", call)

    async def unwatch(self, call: str, watcher: str) -> None:
        await self._pass_on(call, "unwatch", call, watcher)

    async def drain(self, worker: str) -> None:
        """No new calls for a worker, which ends with its last one; RefusalError (404) if none."""
        try:
            await self._workers.ask(worker, "drain")
        except UnreachableError as error:
            raise RefusalError(404, f"There is no worker {worker}.") from error

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Asks the workers for their reports, twice a second."""
        await self.look()
        looking = asyncio.create_task(self._looking())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def look(self) -> None:
        """Asks every worker for its report once; ends what has drained, restarts what hangs."""
        names = await self._workers.names()
        for gone in {report.worker for report in self.reports} - set(names):
            self._board.forget(gone)
        await asyncio.gather(*(self._look_at(name) for name in names))

    async def _looking(self) -> None:
        while True:
            await asyncio.sleep(_ASK_EVERY_S)
            try:
                await self.look()
            except Exception:  # a cluster that is away for a moment must not end the front
                log.exception("the workers could not be asked")

    async def _look_at(self, worker: str) -> None:
        asked = self._clock()
        try:
            async with asyncio.timeout(_REPORT_S):
                report: Report = await self._workers.ask(worker, "report")
        except TimeoutError:
            self._board.forget(worker)  # who is silent gets no calls
            await self._wait_or_restart(worker, asked)
            return
        except UnreachableError:
            self._forget(worker)
            return
        self._started.add(worker)
        self._silent.pop(worker, None)
        self._board.hear(report, asked)
        self._sessions.labels(worker).set(report.sessions)
        self._load.labels(worker).set(report.load)
        if report.drained:
            self._board.forget(worker)
            await self._workers.end(worker)

    async def _wait_or_restart(self, worker: str, asked: float) -> None:
        since = self._silent.setdefault(worker, asked)
        patience = _SILENT_S if worker in self._started else _STARTING_S
        if self._clock() - since > patience:
            self._forget(worker)
            self._restarted.inc()
            await self._workers.restart(worker)

    def _forget(self, worker: str) -> None:
        self._board.forget(worker)
        self._silent.pop(worker, None)
        self._started.discard(worker)

    async def _pass_on(self, call: str, method: str, *arguments: object) -> Any:
        try:
            return await self._workers.ask(worker_of(call, self._secret), method, *arguments)
        except UnreachableError as error:
            raise RefusalError(404, _GONE) from error
