"""The portraits a caller may choose from, and one's own that is brought along."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Protocol

import cv2
from aiohttp import web

from realtime.call.engines import MAX_NAME
from realtime.call.limits import Limits, RefusalError
from realtime.errors import SegTalkerError
from realtime.frame import Picture
from realtime.picture_bytes import decode, encode_jpeg

log = logging.getLogger(__name__)

# Large enough to stand in the stage before the call.
_THUMBNAIL = 512

# Told as enrolment goes on: what is done now, and the share done, 0..1. Called in any thread.
Progress = Callable[[str, float], None]
# A portrait, RGB uint8 [H, W, 3], and the name wished for -> the name to ask the engine for.
# Raises PortraitError. Runs in a thread of its own.
Enroll = Callable[[Picture, str, Progress], str]


class Gallery(Protocol):
    """The avatars by name."""

    def names(self) -> list[str]:
        """All names, the first being the one to begin with."""

    def picture(self, name: str) -> Picture:
        """RGB uint8 [H, W, 3]; raises KeyError if there is no such avatar."""


class Avatars:
    """GET /avatars: their names; GET /avatars/NAME: a thumbnail; POST /avatars: a portrait.

    The portrait comes as the body, with ?name=NAME&consent=yes. The answer is one JSON object a
    line: {"text", "done"} as enrolment goes on, then {"name"} or {"error"}.
    """

    def __init__(self, gallery: Gallery, enroll: Enroll | None, limits: Limits) -> None:
        self._gallery = gallery
        self._enroll = enroll
        self._limits = limits
        self._busy = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """For `app.add_routes`."""
        return [
            web.get("/avatars", self._list),
            web.get("/avatars/{name}", self._thumbnail),
            web.post("/avatars", self._upload),
        ]

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"names": self._gallery.names(), "upload": self._enroll is not None}
        )

    async def _thumbnail(self, request: web.Request) -> web.Response:
        try:
            picture = self._gallery.picture(request.match_info["name"])
        except KeyError as error:
            raise RefusalError(404, "There is no such avatar.") from error
        return web.Response(body=thumbnail(picture), content_type="image/jpeg")

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        enroll = self._enroll
        if enroll is None:
            raise RefusalError(403, "This server takes no portraits.")
        if request.query.get("consent") != "yes":
            raise RefusalError(403, "A portrait needs the consent of the person it shows.")
        name = request.query.get("name", "")
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise RefusalError(400, f"Expected a name of 1 to {MAX_NAME} characters.")
        if self._busy.locked():
            raise RefusalError(503, "Another portrait is being prepared: try again in a minute.")
        async with self._busy:
            picture = await self._picture(request)
            return await self._tell(request, enroll, picture, name)

    async def _picture(self, request: web.Request) -> Picture:
        try:
            async with asyncio.timeout(self._limits.upload_s):
                data = await self._read(request)
        except TimeoutError as error:
            raise RefusalError(408, "The picture took too long to arrive.") from error
        decoded = await asyncio.to_thread(
            decode, data, cv2.IMREAD_COLOR_RGB, self._limits.portrait_pixels
        )
        if decoded is None:
            millions = self._limits.portrait_pixels // 1_000_000
            raise RefusalError(
                415, f"Expected a whole JPEG, PNG or WebP of at most {millions} megapixels."
            )
        return decoded

    async def _read(self, request: web.Request) -> bytes:
        data = bytearray()
        async for chunk in request.content.iter_chunked(64 * 1024):
            data += chunk
            if len(data) > self._limits.portrait_bytes:
                most = self._limits.portrait_bytes // 1024**2
                raise RefusalError(413, f"Expected a picture of at most {most} MB.")
        return bytes(data)

    async def _tell(
        self, request: web.Request, enroll: Enroll, picture: Picture, name: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        lines: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(line: dict[str, object]) -> None:
            loop.call_soon_threadsafe(lines.put_nowait, line)

        def work() -> None:
            try:
                made = enroll(picture, name, lambda text, done: tell({"text": text, "done": done}))
                tell({"name": made})
            except SegTalkerError as error:
                tell({"error": str(error)})
            except Exception:
                log.exception("enrolment failed")
                tell({"error": "This picture could not be made to speak."})

        working = loop.run_in_executor(None, work)
        try:
            async with asyncio.timeout(self._limits.enroll_s):
                await _pass_on(lines, response)
                await working
        except TimeoutError:
            await _write(response, {"error": "Preparing the portrait took too long."})
        return response


def thumbnail(picture: Picture) -> bytes:
    """RGB uint8 [H, W, 3] -> a square JPEG of its middle."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    small = cv2.resize(square, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return encode_jpeg(small).tobytes()  # type: ignore[arg-type]


async def _pass_on(lines: asyncio.Queue[dict[str, object]], response: web.StreamResponse) -> None:
    while True:
        line = await lines.get()
        await _write(response, line)
        if "name" in line or "error" in line:
            return


async def _write(response: web.StreamResponse, line: dict[str, object]) -> None:
    await response.write(json.dumps(line).encode() + b"\n")
