from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from realtime.call.engines import EngineRequest
from realtime.call.limits import RefusalError
from realtime.call.meters import Metrics
from realtime.cluster.call_names import new_name
from realtime.cluster.front import Front, UnreachableError
from realtime.cluster.placement import Report

SECRET = b"secret"
REQUEST = EngineRequest("grey")


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Workers that answer as the test says: a value, or an exception."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.restarted: list[str] = []
        self.ended: list[str] = []

    async def names(self) -> list[str]:
        return [name for name in self.answers if name not in self.ended]

    async def ask(self, worker: str, method: str, *_: object) -> Any:
        self.asked.append((worker, method))
        if worker not in self.answers:
            raise UnreachableError(worker)
        answer = self.answers[worker][method]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def restart(self, worker: str) -> None:
        self.restarted.append(worker)

    async def end(self, worker: str) -> None:
        self.ended.append(worker)


def report(worker: str, load: float = 0.0, **more: Any) -> Report:
    return Report(worker, load, more.pop("sessions", 0), 4, **more)


def run(
    workers: Scripted, work: Callable[[Front, Hands], Awaitable[None]], metrics: Metrics
) -> None:
    async def inside() -> None:
        clock = Hands()
        front = Front(workers, SECRET, metrics, clock)
        await front.look()
        await work(front, clock)

    asyncio.run(inside())


def test_a_call_goes_to_the_worker_with_most_room() -> None:
    workers = Scripted(
        a={"report": report("a", 0.5), "open": ("a.x", "sdp")},
        b={"report": report("b", 0.1), "open": ("b.x", "sdp")},
    )

    async def work(front: Front, _: Hands) -> None:
        assert (await front.open(REQUEST, "offer")).name == "b.x"

    run(workers, work, Metrics())


@pytest.mark.parametrize("failure", [UnreachableError("b"), RefusalError(503, "full")])
def test_a_worker_gone_or_full_sends_the_call_on(failure: Exception) -> None:
    workers = Scripted(
        a={"report": report("a", 0.5), "open": ("a.x", "sdp")},
        b={"report": report("b", 0.1), "open": failure},
    )

    async def work(front: Front, _: Hands) -> None:
        assert (await front.open(REQUEST, "offer")).name == "a.x"

    run(workers, work, Metrics())


def test_a_bad_offer_is_not_tried_elsewhere() -> None:
    refusal = RefusalError(400, "Expected an SDP offer.")
    workers = Scripted(
        a={"report": report("a", 0.5), "open": ("a.x", "sdp")},
        b={"report": report("b", 0.1), "open": refusal},
    )

    async def work(front: Front, _: Hands) -> None:
        with pytest.raises(RefusalError, match="SDP"):
            await front.open(REQUEST, "offer")

    run(workers, work, Metrics())


def test_a_full_cluster_refuses_in_words() -> None:
    workers = Scripted(a={"report": report("a", sessions=4)})

    async def work(front: Front, _: Hands) -> None:
        with pytest.raises(RefusalError, match="taken") as refusal:
            await front.open(REQUEST, "offer")
        assert refusal.value.status == 503

    run(workers, work, Metrics())


def test_workers_are_asked_anew_before_a_refusal() -> None:
    workers = Scripted(a={"report": report("a", sessions=4), "open": ("a.x", "sdp")})

    async def work(front: Front, _: Hands) -> None:
        workers.answers["a"]["report"] = report("a", sessions=3)
        assert (await front.open(REQUEST, "offer")).name == "a.x"

    run(workers, work, Metrics())


def test_requests_follow_the_signed_name() -> None:
    workers = Scripted(a={"report": report("a"), "hang_up": None})

    async def work(front: Front, _: Hands) -> None:
        await front.hang_up(new_name("a", SECRET))
        assert workers.asked[-1] == ("a", "hang_up")
        with pytest.raises(RefusalError, match="no such call"):
            await front.hang_up(new_name("a", b"forged"))
        with pytest.raises(RefusalError, match="worker that held this call is gone"):
            await front.hang_up(new_name("gone", SECRET))

    run(workers, work, Metrics())


def test_a_drained_worker_is_ended_with_its_last_call() -> None:
    workers = Scripted(a={"report": report("a", sessions=1, draining=True)})

    async def work(front: Front, _: Hands) -> None:
        assert workers.ended == []
        workers.answers["a"]["report"] = report("a", draining=True)
        await front.look()
        assert workers.ended == ["a"]
        assert front.reports == []

    run(workers, work, Metrics())


def test_a_worker_that_hangs_is_started_anew_and_counted() -> None:
    metrics = Metrics()
    workers = Scripted(a={"report": report("a")})

    async def work(front: Front, clock: Hands) -> None:
        workers.answers["a"]["report"] = TimeoutError()
        for clock.now in (1.0, 5.0):
            await front.look()
        assert workers.restarted == []
        clock.now = 6.5
        await front.look()
        assert workers.restarted == ["a"]
        assert b"avatar_worker_restarts_total 1.0" in metrics.text()

    run(workers, work, metrics)


def test_a_worker_that_is_starting_is_given_time() -> None:
    workers = Scripted(a={"report": TimeoutError()})

    async def work(front: Front, clock: Hands) -> None:
        for clock.now in (60.0, 119.0):
            await front.look()
        assert workers.restarted == []
        clock.now = 121.0
        await front.look()
        assert workers.restarted == ["a"]

    run(workers, work, Metrics())


def test_a_worker_that_answers_again_is_not_started_anew() -> None:
    workers = Scripted(a={"report": report("a")})

    async def work(front: Front, clock: Hands) -> None:
        for clock.now, answer in ((1.0, TimeoutError()), (4.0, report("a")), (8.0, TimeoutError())):
            workers.answers["a"]["report"] = answer
            await front.look()
        assert workers.restarted == []

    run(workers, work, Metrics())


def test_draining_a_stranger_is_refused() -> None:
    async def work(front: Front, _: Hands) -> None:
        with pytest.raises(RefusalError, match="no worker nobody"):
            await front.drain("nobody")

    run(Scripted(), work, Metrics())
