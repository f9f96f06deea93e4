"""A worker: some cores or a GPU, and the very sessions that a single process runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import psutil
import torch
from aiortc import RTCConfiguration, RTCIceServer

from realtime.call import bitrate
from realtime.call.calls import Answered
from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.limits import Limits, RefusalError
from realtime.call.meters import Metrics
from realtime.call.session import House
from realtime.call.sessions import Sessions
from realtime.cluster.call_names import new_name
from realtime.cluster.placement import Report

# Makes a worker's engines; called once in the worker itself, where weights are loaded.
Factory = Callable[[], MakeEngine]


@dataclass(frozen=True)
class WorkerOptions:
    """What every worker is given. `limits.sessions` is the number of places of each."""

    factory: Factory
    secret: bytes
    cores: int = 2
    limits: Limits = field(default_factory=Limits)
    ice: list[RTCIceServer] = field(default_factory=list)


class Worker:
    """What Ray runs as an actor; every method runs on the actor's one event loop."""

    def __init__(self, name: str, options: WorkerOptions) -> None:
        torch.set_num_threads(options.cores)
        bitrate.apply(bitrate.Bitrates())
        self._name = name
        self._options = options
        self._draining = False
        self._sweeping: AsyncExitStack | None = None
        self._house = House(
            options.factory(),
            options.limits,
            time.monotonic,
            RTCConfiguration(iceServers=options.ice),
            lambda: new_name(name, options.secret),
        )
        self._sessions = Sessions(self._house, Metrics())

    async def open(self, request: EngineRequest, offer: str) -> Answered:
        """See `realtime.call.calls.Calls`; a draining worker refuses (503)."""
        await self._begin()
        if self._draining:
            raise RefusalError(503, f"{self._name} takes no new calls.")
        return await self._sessions.open(request, offer)

    async def watch(self, call: str, offer: str) -> Answered:
        return await self._sessions.watch(call, offer)

    async def trickle(self, call: str, watcher: str | None, fragment: str) -> None:
        await self._sessions.trickle(call, watcher, fragment)

    async def hang_up(self, call: str) -> None:
        await self._sessions.hang_up(call)

    async def unwatch(self, call: str, watcher: str) -> None:
        await self._sessions.unwatch(call, watcher)

    async def drain(self) -> None:
        """Takes no new calls from now on."""
        self._draining = True

    async def report(self) -> Report:
        """What the worker says of itself now."""
        await self._begin()
        return Report(
            self._name,
            self._sessions.load(time.monotonic()) / self._options.cores,
            len(self._sessions),
            self._options.limits.sessions,
            psutil.virtual_memory().percent / 100,
            self._draining,
        )

    async def close(self) -> None:
        """Ends all calls."""
        if self._sweeping is not None:
            await self._sweeping.aclose()

    async def _begin(self) -> None:
        """Sweeping begins with the first request: the constructor has no event loop yet."""
        if self._sweeping is None:
            self._sweeping = AsyncExitStack()
            await self._sweeping.enter_async_context(self._sessions.swept())
