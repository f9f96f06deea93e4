"""A real connection inside one process: what goes in as sound comes out as sound and picture."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av import AudioFrame, VideoFrame

from realtime.call.limits import Limits
from realtime.call.serve import ServeOptions, application
from tests.call.speakers import MOUTH, OPEN, SHUT, SIZE, Drawn, make_loud_mouth, tone

Client = TestClient[web.Request, web.Application]

PATIENCE_S = 20


class Voice(MediaStreamTrack):
    """A tone for half a second, silence for half a second, and so on; 20 ms at a time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._began = asyncio.get_running_loop().time()

    async def recv(self) -> AudioFrame:
        due = self._began + self._count * 0.02
        await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
        loud = self._count // 25 % 2 == 0
        frame = AudioFrame.from_ndarray(tone(20)[None] * int(loud), "s16", "mono")
        frame.sample_rate = 48_000
        frame.pts = self._count * 960
        frame.time_base = fractions.Fraction(1, 48_000)
        self._count += 1
        return frame


class Caller:
    """A peer with a voice, eyes, ears and a control channel."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.connection.createDataChannel("control")
        self.messages: list[dict[str, object]] = []
        self.mouths: list[float] = []
        self.picture_times: list[float] = []
        self.levels: list[float] = []
        self.news = asyncio.Event()
        self.location = ""
        self.connection.on("track", self._on_track)
        self.channel.on("message", self._on_message)
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, query: str = "") -> int:
        """Posts an offer; the status of the answer."""
        self.connection.addTrack(Voice())
        self.connection.addTransceiver("video", direction="recvonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        response = await self.client.post(
            f"/whip?width={SIZE[0]}&height={SIZE[1]}{query}",
            data=self.connection.localDescription.sdp,
            headers={"Content-Type": "application/sdp"},
        )
        text = await response.text()
        if response.status == 201:
            self.location = response.headers["Location"]
            await self.connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        return response.status

    def say(self, **message: object) -> None:
        self.channel.send(json.dumps(message))

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits for news until the condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not true():
                self.news.clear()
                await self.news.wait()

    def told(self, kind: str) -> list[dict[str, object]]:
        return [message for message in self.messages if message["type"] == kind]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.connection.close()

    def _on_message(self, message: str) -> None:
        self.messages.append(json.loads(message))
        self.news.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._take(track))
        self._tasks.add(task)

    async def _take(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    image = frame.to_ndarray(format="rgb24")
                    self.mouths.append(float(image[MOUTH].mean()))
                    self.picture_times.append(float(frame.time or 0))
                elif isinstance(frame, AudioFrame):
                    self.levels.append(float(np.abs(frame.to_ndarray().astype(float)).mean()))
                self.news.set()


@contextlib.asynccontextmanager
async def server(limits: Limits | None = None) -> AsyncIterator[Client]:
    options = ServeOptions(limits=limits or Limits())
    app = application(options, make_loud_mouth, Drawn())
    async with TestClient(TestServer(app)) as client:
        yield client


def run(work: Callable[[Client], Awaitable[None]], limits: Limits | None = None) -> None:
    async def inside() -> None:
        async with server(limits) as client:
            await work(client)

    asyncio.run(inside())


def test_the_mouth_and_the_sound_follow_the_voice() -> None:
    async def work(client: Client) -> None:
        caller = Caller(client)
        try:
            assert await caller.call("&lookahead_ms=0") == 201
            await caller.until(lambda: len(caller.mouths) > 50 and len(caller.levels) > 100)
            assert max(caller.mouths) > OPEN - 40
            assert min(caller.mouths) < SHUT + 40
            assert max(caller.levels) > 2000
            steps = np.diff(caller.picture_times)
            assert (steps > 0).all()
            np.testing.assert_allclose(steps / 0.04, np.round(steps / 0.04), atol=1e-3)
            (state,) = caller.told("state")
            assert state["avatar"] == "grey"
            assert (await client.delete(caller.location)).status == 200
            assert (await client.delete(caller.location)).status == 404
        finally:
            await caller.close()

    run(work)
