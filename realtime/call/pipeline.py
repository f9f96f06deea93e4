"""From the caller's sound to released frames: one engine, one worker thread, bounded queues."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from realtime.beside import step_aside
from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.limits import RefusalError
from realtime.call.meters import CallMeters, Metrics, median_ms
from realtime.call.queues import Upsampler
from realtime.call.timeline import RTP_RATE, Timeline
from realtime.call.tracks import Clock, Outlet
from realtime.clock import Sound
from realtime.frame import LATE_S, Frame, Steps

T = TypeVar("T")

# Blocks that may wait while a step takes long: 200 ms. Of more, the oldest is dropped.
MAX_WAITING = 5
# Changes of the look that may wait for one another.
MAX_CHANGES = 8


@dataclass(frozen=True)
class Block:
    """int16 [640], the index its frame will have, and when it was complete, s."""

    index: int
    sound: Sound
    complete: float


class Pipeline:
    """Hears sound at any time, and releases one frame every 40 ms to all its outlets.

    Nothing heard is silence. Where steps are slow, pictures are left out and their sound goes on;
    a block that has waited too long keeps its index, and is silent.
    """

    def __init__(
        self, engine: Steps, request: EngineRequest, metrics: Metrics, clock: Clock
    ) -> None:
        self.request = request
        self.outlets: list[Outlet] = []
        self.meters = CallMeters()
        self.muted = False
        self._engine = engine
        self._metrics = metrics
        self._clock = clock
        self._timeline = Timeline(clock())
        self._upsampler = Upsampler()
        self._blocks: deque[Block] = deque()
        self._index = 0
        self._more = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, "engine")
        self._beside = ThreadPoolExecutor(1, "beside", step_aside)
        self._changing = asyncio.Lock()
        self._changes = 0
        self._interruptions = 0
        self._closing: asyncio.Future[float] | None = None

    def hear(self, place: int, samples: Sound) -> None:
        """Sound of the caller, int16 [any] mono at 48 kHz, whose first sample has this place."""
        heard = np.zeros_like(samples) if self.muted else samples
        before = self._timeline.concealed
        self._queue(self._timeline.push(place, heard, self._clock()))
        self._metrics.concealed.inc((self._timeline.concealed - before) / RTP_RATE)

    async def run(self) -> None:
        """Steps and releases until it is cancelled."""
        while True:
            block = await self._next_block()
            interruptions = self._interruptions
            # The newest is shown however late: else who is always late would show nothing.
            fresh = not self._blocks or self._clock() - block.complete < LATE_S
            frame = await self._on_worker(self._step, block.sound, fresh)
            if interruptions == self._interruptions:
                self._release(block, frame, fresh)

    async def change(
        self, change: Callable[[EngineRequest], EngineRequest], make_engine: MakeEngine
    ) -> None:
        """Goes on with another engine as soon as it is made, beside the steps of the old one.

        Changes are made one after another; each is given the request that holds then. Raises what
        `change` and `make_engine` raise, and then nothing has changed; RefusalError (429) where
        too many are waiting.
        """
        if self._changes == MAX_CHANGES:
            raise RefusalError(429, "Too many changes at once.")
        self._changes += 1
        try:
            async with self._changing:
                request, loop = change(self.request), asyncio.get_running_loop()
                engine = await loop.run_in_executor(
                    self._beside, make_engine, request, self._engine
                )
                self._engine, self.request = engine, request
        finally:
            self._changes -= 1

    async def interrupt(self) -> float:
        """Forgets all sound on its way and mutes the caller.

        Returns the seconds until a frame with the mouth at rest had left.
        """
        began = self._clock()
        self.muted = True
        self._interruptions += 1
        self._timeline.hush()
        self._upsampler.hush()
        self._blocks.clear()
        for outlet in self.outlets:
            outlet.sound.queue.hush()
        closing = self._closing or asyncio.get_running_loop().create_future()
        self._closing = closing
        await self._on_worker(self._engine.reset)
        left: float = await asyncio.shield(closing)
        return left - began

    def close(self) -> None:
        """Ends the worker and all outlets; a step under way is not waited for."""
        for threads in (self._worker, self._beside):
            threads.shutdown(wait=False, cancel_futures=True)
        for outlet in self.outlets:
            outlet.stop()
        if self._closing is not None:
            self._closing.cancel()

    def statistics(self) -> dict[str, float]:
        """Figures of the last seconds, as the control channel tells them."""
        encode = max((outlet.picture.encode_s for outlet in self.outlets[:1]), default=0.0)
        unsent = sum(outlet.picture.slot.dropped for outlet in self.outlets[:1])
        return {
            "fps": self.meters.fps(self._clock()),
            "frames": self.meters.frames,
            "dropped": self.meters.dropped + unsent,
            "step_ms": median_ms(self.meters.step),
            "queue_ms": median_ms(self.meters.queue),
            "encode_ms": round(encode * 1000, 1),
            "skew_ms": median_ms(self.meters.skew),
            "lookahead_ms": self.request.lookahead_ms,
            "concealed_ms": round(self._timeline.concealed / RTP_RATE * 1000),
            "late_ms": round(self._timeline.late / RTP_RATE * 1000),
        }

    def _queue(self, sounds: list[Sound]) -> None:
        now = self._clock()
        for sound in sounds:
            self._blocks.append(Block(self._index, sound, now))
            self._index += 1
        while len(self._blocks) > MAX_WAITING:
            self._blocks.popleft()
            self._count_dropped()
        if self._blocks:
            self._more.set()

    async def _next_block(self) -> Block:
        while not self._blocks:
            self._more.clear()
            wait = self._timeline.deadline - self._clock()
            try:
                # Not wait_for, which in Python 3.11 may swallow a cancellation.
                async with asyncio.timeout(wait):
                    await self._more.wait()
            except TimeoutError:
                self._queue(self._timeline.starve(self._clock()))
        return self._blocks.popleft()

    def _step(self, sound: Sound, fresh: bool) -> Frame:
        began = self._clock()
        frame = self._engine.step(sound, fresh=fresh)
        if fresh:
            self.meters.step.append(self._clock() - began)
        return frame

    async def _on_worker(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, work, *arguments)

    def _release(self, block: Block, frame: Frame, fresh: bool) -> None:
        sound = self._upsampler.push(frame.sound)
        for outlet in self.outlets:
            outlet.release(block.index, frame.image if fresh else None, sound)
            self._metrics.encode.observe(outlet.picture.encode_s)
            if (skew := outlet.skew_s) is not None:
                self._metrics.skew.observe(skew)
                self.meters.skew.append(skew)
        if fresh:
            self._count_shown(block)
        else:
            self._count_dropped()

    def _count_shown(self, block: Block) -> None:
        now = self._clock()
        self.meters.frames += 1
        self.meters.released.append(now)
        self.meters.queue.append(now - block.complete)
        self._metrics.frames.inc()
        self._metrics.step.observe(self.meters.step[-1])
        self._metrics.queue.observe(now - block.complete)
        if self._closing is not None:
            encode = max((outlet.picture.encode_s for outlet in self.outlets), default=0.0)
            self._closing.set_result(now + encode)
            self._closing = None

    def _count_dropped(self) -> None:
        self.meters.dropped += 1
        self._metrics.dropped.inc()
