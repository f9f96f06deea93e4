from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from realtime.call.engines import EngineRequest
from realtime.call.limits import RefusalError
from realtime.call.meters import Metrics
from realtime.call.pipeline import MAX_CHANGES, MAX_WAITING, Pipeline
from realtime.call.timeline import RTP_FRAME
from realtime.call.tracks import Outlet
from realtime.clock import Sound
from realtime.errors import AvatarError
from realtime.frame import LATE_S, Frame, Picture, Steps
from tests.call.speakers import SIZE, LoudMouth, make_loud_mouth, tone
from tests.call.test_tracks import Hands

REQUEST = EngineRequest("grey", 0, SIZE)


class Ears(Outlet):
    """Keeps what is released instead of sending it."""

    def __init__(self, clock: Hands) -> None:
        super().__init__(clock)
        self.frames: list[tuple[int, float, float]] = []
        self.news = asyncio.Event()

    def release(self, index: int, image: Picture | None, sound: Sound) -> None:
        mouth = np.nan if image is None else float(image[170, 100, 0])
        self.frames.append((index, mouth, float(np.abs(sound).mean())))
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.frames) < count:
                self.news.clear()
                await self.news.wait()


class Stuck(LoudMouth):
    """An engine whose steps wait until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.stepping = threading.Event()

    def step(self, samples: Sound, *, fresh: bool = True) -> Frame:
        self.stepping.set()
        assert self.go.wait(20)
        return super().step(samples, fresh=fresh)


Work = Callable[[Pipeline, Ears, Hands], Awaitable[None]]


def run(work: Work, engine: LoudMouth | None = None) -> None:
    async def inside() -> None:
        clock = Hands()
        pipeline = Pipeline(engine or LoudMouth(), REQUEST, Metrics(), clock)
        ears = Ears(clock)
        pipeline.outlets.append(ears)
        running = asyncio.create_task(pipeline.run())
        try:
            await work(pipeline, ears, clock)
        finally:
            running.cancel()
            pipeline.close()

    asyncio.run(inside())


def test_every_block_heard_is_released_once_and_in_order() -> None:
    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        for index in range(20):
            pipeline.hear(index * RTP_FRAME, tone(40))
            await ears.until(index + 1)
            clock.now += 0.04
        assert [index for index, _, _ in ears.frames] == list(range(20))
        assert all(mouth > 200 for _, mouth, _ in ears.frames)
        assert pipeline.statistics()["frames"] == 20
        assert pipeline.statistics()["dropped"] == 0

    run(work)


def test_when_nothing_is_heard_the_portrait_lives_on_in_silence() -> None:
    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        del pipeline
        clock.now += 10
        await ears.until(1)
        assert ears.frames[0][1:] == (40, 0)

    run(work)


def test_slow_steps_drop_the_oldest_block_and_keep_its_place() -> None:
    engine = Stuck()

    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        del clock
        pipeline.hear(0, tone(40))
        await asyncio.to_thread(engine.stepping.wait, 20)
        for index in range(1, 9):
            pipeline.hear(index * RTP_FRAME, tone(40))
        assert pipeline.statistics()["dropped"] == 8 - MAX_WAITING
        engine.go.set()
        await ears.until(1 + MAX_WAITING)
        assert [index for index, _, _ in ears.frames] == [0, 4, 5, 6, 7, 8]

    run(work, engine)


def test_late_pictures_are_left_out_and_their_sound_goes_on() -> None:
    engine = Stuck()

    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        pipeline.hear(0, tone(40))
        await asyncio.to_thread(engine.stepping.wait, 20)
        pipeline.hear(RTP_FRAME, tone(40))
        clock.now += LATE_S
        pipeline.hear(2 * RTP_FRAME, tone(40))
        engine.go.set()
        await ears.until(3)
        assert [np.isnan(mouth) for _, mouth, _ in ears.frames] == [False, True, False]
        assert all(sound > 1000 for _, _, sound in ears.frames)
        assert pipeline.statistics()["frames"] == 2
        assert pipeline.statistics()["dropped"] == 1

    run(work, engine)


def test_an_interruption_drops_the_frame_under_way_and_ends_with_a_shut_mouth() -> None:
    engine = Stuck()

    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        pipeline.hear(0, tone(40))
        await asyncio.to_thread(engine.stepping.wait, 20)
        pipeline.hear(RTP_FRAME, tone(40))
        interrupting = asyncio.create_task(pipeline.interrupt())
        await asyncio.sleep(0)
        clock.now += 0.05
        pipeline.hear(2 * RTP_FRAME, tone(40))
        engine.go.set()
        taken = await asyncio.wait_for(interrupting, 20)
        assert taken == pytest.approx(0.05 + ears.picture.encode_s)
        assert [(index, mouth) for index, mouth, _ in ears.frames] == [(2, 40)]
        assert pipeline.muted
        assert engine.resets == 2

    run(work, engine)


def test_another_engine_takes_over_and_a_failed_one_changes_nothing() -> None:
    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        del ears, clock
        other = EngineRequest("red", 120, SIZE)
        await pipeline.change(lambda _: other, make_loud_mouth)
        assert pipeline.request == other
        with pytest.raises(AvatarError):
            await pipeline.change(lambda _: EngineRequest("nobody"), make_loud_mouth)
        assert pipeline.request == other

    run(work)


def test_changes_wait_for_one_another_and_only_so_many() -> None:
    async def work(pipeline: Pipeline, ears: Ears, clock: Hands) -> None:
        del ears, clock
        go, made = threading.Event(), list[int]()

        def make(request: EngineRequest, before: Steps | None = None) -> Steps:
            assert before is not None
            assert go.wait(20)
            made.append(request.lookahead_ms)
            return before

        def later(request: EngineRequest) -> EngineRequest:
            return replace(request, lookahead_ms=(request.lookahead_ms + 40) % 160)

        waiting = [asyncio.create_task(pipeline.change(later, make)) for _ in range(MAX_CHANGES)]
        await asyncio.sleep(0)
        with pytest.raises(RefusalError, match="Too many"):
            await pipeline.change(later, make)
        go.set()
        await asyncio.gather(*waiting)
        assert made == [40, 80, 120, 0] * 2

    run(work)
