"""A real connection inside one process: what goes in as sound comes out as sound and picture."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from av import AudioFrame, VideoFrame

from realtime.call.limits import Limits
from realtime.call.serve import ServeOptions, application
from realtime.picture_bytes import encode_jpeg
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

    async def call(self, query: str = "", codec: str = "VP8") -> int:
        """Posts an offer that knows one codec of pictures; the status of the answer."""
        self.connection.addTrack(Voice())
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        known = RTCRtpReceiver.getCapabilities("video")
        assert known is not None
        transceiver.setCodecPreferences([each for each in known.codecs if each.name == codec])
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


PICTURE = encode_jpeg(np.zeros((8, 8, 3), np.uint8)).tobytes()


@contextlib.asynccontextmanager
async def server(limits: Limits | None = None) -> AsyncIterator[Client]:
    options = ServeOptions(limits=limits or Limits())
    app = application(options, make_loud_mouth, Drawn())
    async with TestClient(TestServer(app)) as client:
        yield client


def no_engine_threads() -> bool:
    return not any(thread.name.startswith(("engine", "beside")) for thread in threading.enumerate())


def run(work: Callable[[Client], Awaitable[None]], limits: Limits | None = None) -> None:
    async def inside() -> None:
        async with server(limits) as client:
            await work(client)

    asyncio.run(inside())


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_the_mouth_and_the_sound_follow_the_voice(codec: str) -> None:
    async def work(client: Client) -> None:
        caller = Caller(client)
        try:
            assert await caller.call("&lookahead_ms=0", codec) == 201
            assert f" {codec}/90000" in caller.connection.remoteDescription.sdp
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


def test_an_interruption_shuts_the_mouth_and_the_sound() -> None:
    async def work(client: Client) -> None:
        caller = Caller(client)
        try:
            assert await caller.call("&lookahead_ms=120") == 201
            await caller.until(lambda: bool(caller.levels) and max(caller.levels) > 2000)
            caller.say(type="interrupt")
            await caller.until(lambda: bool(caller.told("interrupted")))
            (told,) = caller.told("interrupted")
            assert isinstance(told["closed_ms"], int)
            await caller.until(lambda: caller.told("state")[-1]["muted"] is True)
            await caller.until(lambda: max(caller.mouths[-10:]) < SHUT + 15)
            await caller.until(lambda: max(caller.levels[-20:]) < 50)
        finally:
            await caller.close()

    run(work)


def test_wrong_messages_are_answered_in_words_and_the_call_goes_on() -> None:
    async def work(client: Client) -> None:
        caller = Caller(client)
        try:
            assert await caller.call() == 201
            await caller.until(lambda: bool(caller.told("state")))
            for wrong in ("{", "[]", json.dumps({"type": "avatar", "name": "nobody"}), "x" * 5000):
                caller.channel.send(wrong)
            await caller.until(lambda: len(caller.told("error")) == 4)
            caller.say(type="avatar", name="red")
            await caller.until(lambda: caller.told("state")[-1]["avatar"] == "red")
            frames = len(caller.mouths)
            await caller.until(lambda: len(caller.mouths) > frames + 10)
            await caller.until(lambda: bool(caller.told("stats")))
        finally:
            await caller.close()

    run(work)


def test_looks_are_changed_and_an_impossible_one_is_told_while_the_call_goes_on() -> None:
    async def work(client: Client) -> None:
        caller = Caller(client)
        manner = {"yaw": 4.0, "pitch": 0.0, "roll": -2.0, "sway": 1.0, "blinks": 0.5}
        try:
            assert await caller.call("&background=blur") == 201
            await caller.until(lambda: bool(caller.told("state")))
            (begun,) = caller.told("state")
            assert (begun["background"], begun["colours"], begun["manner"]) == ("blur", {}, None)
            caller.say(type="manner", **manner)
            caller.say(type="colours", lips="red")
            caller.channel.send(PICTURE)
            await caller.until(lambda: len(caller.told("state")) == 4)
            caller.say(type="colours", hair="black")
            await caller.until(lambda: bool(caller.told("error")))
            assert "found none" in str(caller.told("error")[0]["text"])
            caller.say(type="mute", on=True)
            await caller.until(lambda: len(caller.told("state")) == 5)
            state = caller.told("state")[-1]
            assert state["manner"] == manner
            assert (state["background"], state["colours"]) == ("picture", {"lips": "red"})
            frames = len(caller.mouths)
            await caller.until(lambda: len(caller.mouths) > frames + 10)
        finally:
            await caller.close()

    run(work)


def test_a_full_server_refuses_clearly_and_has_room_again_after_a_call() -> None:
    async def work(client: Client) -> None:
        first, second = Caller(client), Caller(client)
        try:
            assert await first.call() == 201
            assert await second.call() == 503
            assert (await client.delete(first.location)).status == 200
            third = Caller(client)
            assert await third.call() == 201
            await third.until(lambda: len(third.mouths) > 5)
            await third.close()
        finally:
            await first.close()
            await second.close()

    run(work, Limits(sessions=1))


def test_another_peer_can_watch() -> None:
    async def work(client: Client) -> None:
        caller, watcher = Caller(client), Caller(client)
        try:
            assert await caller.call() == 201
            await caller.until(lambda: len(caller.mouths) > 5)
            for kind in ("audio", "video"):
                watcher.connection.addTransceiver(kind, direction="recvonly")
            offer = await watcher.connection.createOffer()
            await watcher.connection.setLocalDescription(offer)
            response = await client.post(
                caller.location.replace("whip", "whep"),
                data=watcher.connection.localDescription.sdp,
                headers={"Content-Type": "application/sdp"},
            )
            assert response.status == 201
            description = RTCSessionDescription(await response.text(), "answer")
            await watcher.connection.setRemoteDescription(description)
            await watcher.until(lambda: len(watcher.mouths) > 10 and len(watcher.levels) > 20)
            assert (await client.delete(response.headers["Location"])).status == 200
            frames = len(caller.mouths)
            await caller.until(lambda: len(caller.mouths) > frames + 5)
        finally:
            await watcher.close()
            await caller.close()

    run(work)


def test_two_hundred_rounds_leave_nothing_behind() -> None:
    async def work(client: Client) -> None:
        offering = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        offering.addTransceiver("audio")
        offering.addTransceiver("video", direction="recvonly")
        await offering.setLocalDescription(await offering.createOffer())
        before = len(asyncio.all_tasks())
        for _ in range(200):
            response = await client.post(
                "/whip",
                data=offering.localDescription.sdp,
                headers={"Content-Type": "application/sdp"},
            )
            assert response.status == 201
            assert (await client.delete(response.headers["Location"])).status == 200
        await offering.close()
        assert no_engine_threads()
        # The last rounds' own tasks may still be ending; a task left behind by each would be 200.
        assert len(asyncio.all_tasks()) < before + 20
        assert "avatar_sessions 0.0" in await (await client.get("/metrics")).text()

    run(work, Limits(sessions=1, offers_at_once=1000))


WRONG_BODIES = [b"", b"v=0", b"\xff" * 100, b"v=0\r\nm=audio 9 X 111\r\n", b"v=0" * 30_000]
WRONG_MESSAGES = ["{", "[]", "null", "x" * 5000, '{"type": "lookahead", "ms": "x"}']


def test_a_thousand_malformed_requests_do_not_disturb_a_call() -> None:
    """Offers, oversized bodies, connections left half open, wrong JSON, beside a good call."""

    async def work(client: Client) -> None:
        caller = Caller(client)
        half_open = []
        try:
            assert await caller.call() == 201
            await caller.until(lambda: len(caller.mouths) > 5 and bool(caller.told("state")))
            began, frames = caller.picture_times[-1], len(caller.mouths)
            for count in range(1000):
                body = WRONG_BODIES[count % len(WRONG_BODIES)] + bytes([count % 256])
                response = await client.post(
                    "/whip", data=body, headers={"Content-Type": "application/sdp"}
                )
                assert response.status in (400, 413)
                if count % 20 == 0:
                    _, writer = await asyncio.open_connection(client.host, client.port)
                    writer.write(b"POST /whip HTTP/1.1\r\nContent-Length: 10000\r\n")
                    half_open.append(writer)
                    caller.channel.send(WRONG_MESSAGES[count // 20 % len(WRONG_MESSAGES)])
            await caller.until(lambda: len(caller.told("error")) == 50)
            await caller.until(lambda: len(caller.mouths) > frames + 10)
            shown = len(caller.mouths) - frames
            missed = round((caller.picture_times[-1] - began) / 0.04) - shown
            assert missed <= shown / 4, "the good call goes on as it was"
        finally:
            for writer in half_open:
                writer.close()
            await caller.close()

    run(work, Limits(offers_at_once=2000))


def test_an_engine_that_fails_ends_its_call_in_words() -> None:
    async def work(client: Client) -> None:
        caller = Caller(client)
        try:
            assert await caller.call("&avatar=broken") == 201
            await caller.until(lambda: bool(caller.told("ended")))
            assert "portrait" in str(caller.told("ended")[0]["text"])
        finally:
            await caller.close()

    run(work)
