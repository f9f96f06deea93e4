from __future__ import annotations

import asyncio

import pytest
from aiortc import RTCConfiguration

from realtime.call.engines import EngineRequest
from realtime.call.limits import Limits
from realtime.call.meters import Metrics
from realtime.call.pipeline import Pipeline
from realtime.call.session import House, Session
from realtime.call.sessions import overdue
from tests.call.speakers import SIZE, LoudMouth, make_loud_mouth
from tests.call.test_tracks import Hands

LIMITS = Limits(connect_s=20, idle_s=60, absolute_s=3600)


@pytest.mark.parametrize(
    ("connected", "heard", "age", "word"),
    [
        (False, None, 19, ""),
        (False, None, 21, "connection"),
        (True, None, 59, ""),
        (True, None, 61, "No sound"),
        (True, 100, 159, ""),
        (True, 100, 161, "No sound"),
        (True, 3590, 3599, ""),
        (True, 3590, 3601, "60 minutes"),
    ],
)
def test_timeouts(connected: bool, heard: float | None, age: float, word: str) -> None:
    async def work() -> None:
        clock = Hands()
        house = House(make_loud_mouth, LIMITS, clock, RTCConfiguration(iceServers=[]))
        request = EngineRequest("grey", 0, SIZE)
        session = Session("id", Pipeline(LoudMouth(), request, Metrics(), clock), house)
        session.connected = connected
        session.heard = None if heard is None else session.began + heard
        reason = overdue(session, session.began + age, LIMITS)
        assert word in reason
        assert bool(word) == bool(reason)
        await session.close("")
        assert overdue(session, session.began, LIMITS)

    asyncio.run(work())
