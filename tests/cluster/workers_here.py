"""Workers in this process, with everything that can happen to them."""

from __future__ import annotations

import asyncio
from typing import Any

from realtime.call.engines import MakeEngine
from realtime.call.limits import Limits
from realtime.cluster.front import UnreachableError
from realtime.cluster.worker import Worker, WorkerOptions

SECRET = b"a secret of the tests"


class WorkersHere:
    """Real workers on the running event loop; `dead` ones do not answer, `hanging` ones wait."""

    def __init__(self, make_engine: MakeEngine, limits: Limits, number: int = 1) -> None:
        self._options = WorkerOptions(lambda: make_engine, SECRET, limits=limits)
        self.dead: set[str] = set()
        self.hanging: set[str] = set()
        self.restarted: list[str] = []
        self.ended: list[str] = []
        self.workers: dict[str, Worker] = {}
        self._names = [f"worker-{each}" for each in range(number)]

    async def names(self) -> list[str]:
        return list(self._names)

    async def ask(self, worker: str, method: str, *arguments: object) -> Any:
        if worker in self.dead or worker not in self._names:
            raise UnreachableError(worker)
        while worker in self.hanging:
            await asyncio.sleep(0.01)
        if worker not in self.workers:
            self.workers[worker] = Worker(worker, self._options)
        return await getattr(self.workers[worker], method)(*arguments)

    async def restart(self, worker: str) -> None:
        self.restarted.append(worker)

    async def end(self, worker: str) -> None:
        self.ended.append(worker)
        self._names.remove(worker)
