"""All calls of a server: a cap with a clear refusal, and timeouts."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

from realtime.call.calls import Answered
from realtime.call.engines import EngineRequest
from realtime.call.limits import Limits, RefusalError
from realtime.call.meters import Metrics
from realtime.call.pipeline import Pipeline
from realtime.call.session import House, Session
from realtime.call.trickle import candidates


class Sessions:
    """At most `limits.sessions` calls at once. `sweep` ends those whose time is over."""

    def __init__(self, house: House, metrics: Metrics) -> None:
        self._house = house
        self._metrics = metrics
        self._sessions: dict[str, Session] = {}
        self._opening = 0

    def __len__(self) -> int:
        return self._opening + sum(not each.closed for each in self._sessions.values())

    def load(self, now: float) -> float:
        """Busy time of all engines over 40 ms a frame, in the second before `now`."""
        return sum(each.pipeline.meters.load(now) for each in self._sessions.values())

    async def open(self, request: EngineRequest, offer: str) -> Answered:
        """An SDP offer -> the call's id and the answer.

        Raises RefusalError, and what `make_engine` raises.
        """
        if len(self) >= self._house.limits.sessions:
            raise RefusalError(
                503, f"All {self._house.limits.sessions} places are taken: try again in a minute."
            )
        self._opening += 1
        try:
            engine = await asyncio.to_thread(self._house.make_engine, request)
            pipeline = Pipeline(engine, request, self._metrics, self._house.clock)
            session = Session(self._house.new_name(), pipeline, self._house)
            self._sessions[session.id] = session
        finally:
            self._opening -= 1
        try:
            answer = await session.answer(offer)
        except BaseException:
            await self.end(session.id, "The call could not begin.")
            raise
        self._count()
        return Answered(session.id, answer)

    def find(self, session_id: str) -> Session:
        """The call of this id; raises RefusalError (404) if there is none."""
        session = self._sessions.get(session_id)
        if session is None or session.closed:
            raise RefusalError(404, "There is no such call.")
        return session

    async def watch(self, call: str, offer: str) -> Answered:
        """An SDP offer to see and hear a call -> the watcher's id and the answer."""
        watcher = secrets.token_urlsafe(16)
        return Answered(watcher, await self.find(call).watch(watcher, offer))

    async def trickle(self, call: str, watcher: str | None, fragment: str) -> None:
        """An SDP fragment with more candidates of the caller, or of a watcher."""
        connection = self.find(call).connection_of(watcher)
        for each in candidates(fragment, self._house.limits.candidates):
            await connection.addIceCandidate(each)

    async def hang_up(self, call: str) -> None:
        """Ends a call because its caller wants it, whose connection may just have closed."""
        if call not in self._sessions:
            raise RefusalError(404, "There is no such call.")
        await self.end(call, "You hung up.")

    async def unwatch(self, call: str, watcher: str) -> None:
        """Ends a watcher's connection."""
        await self.find(call).unwatch(watcher)

    async def end(self, session_id: str, reason: str, *, again: bool = False) -> None:
        """Ends a call and frees its place."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            await session.close(reason, again=again)
            self._count()

    async def sweep(self, now: float) -> None:
        """Ends the calls whose time is over at `now`, s, and forgets those that ended."""
        for session in list(self._sessions.values()):
            reason = overdue(session, now, self._house.limits)
            if reason:
                await self.end(session.id, reason)

    @contextlib.asynccontextmanager
    async def swept(self) -> AsyncIterator[None]:
        """Sweeps once a second; ends all calls at the end."""
        sweeping = asyncio.create_task(self._sweeping())
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
            await self.close()

    async def close(self) -> None:
        """Ends all calls."""
        ids = list(self._sessions)
        reason = "The server is going down."
        await asyncio.gather(*(self.end(each, reason, again=True) for each in ids))

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self.sweep(self._house.clock())

    def _count(self) -> None:
        self._metrics.sessions.set(len(self._sessions))


def overdue(session: Session, now: float, limits: Limits) -> str:
    """Why a call must end now, in words for its caller; empty if it may go on."""
    if session.closed:
        return "The call has ended."
    if not session.connected and now - session.began > limits.connect_s:
        return "No connection came about."
    if now - (session.heard or session.began) > limits.idle_s:
        return f"No sound arrived for {limits.idle_s:.0f} seconds."
    if now - session.began > limits.absolute_s:
        return f"A call may last {limits.absolute_s / 60:.0f} minutes."
    return ""
