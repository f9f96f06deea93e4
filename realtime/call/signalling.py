"""Signalling over plain HTTP: WHIP to call, WHEP to watch.

POST   /whip                 SDP offer -> 201, SDP answer, Location: /whip/ID
                             ?avatar=NAME&lookahead_ms=80&width=512&height=512&background=blur=0.5
PATCH  /whip/ID              candidates, as application/trickle-ice-sdpfrag -> 204
DELETE /whip/ID              ends the call -> 200
POST   /whep/ID              the same to see and hear call ID, Location: /whep/ID/WATCHER
PATCH, DELETE /whep/ID/WATCHER
"""

from __future__ import annotations

from aiohttp import web
from aiortc.sdp import SessionDescription

from realtime.call.calls import Calls
from realtime.call.engines import EngineRequest
from realtime.call.limits import Limits, RefusalError, check_offer

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"


class Signalling:
    """The handlers of the table above."""

    def __init__(self, calls: Calls, limits: Limits, usual: EngineRequest) -> None:
        """`usual` is what a caller gets who chooses nothing."""
        self._calls = calls
        self._limits = limits
        self._usual = usual

    def routes(self) -> list[web.RouteDef]:
        """For `app.add_routes`."""
        return [
            web.post("/whip", self._call),
            web.patch("/whip/{call}", self._trickle),
            web.delete("/whip/{call}", self._hang_up),
            web.post("/whep/{call}", self._watch),
            web.patch("/whep/{call}/{watcher}", self._trickle),
            web.delete("/whep/{call}/{watcher}", self._unwatch),
        ]

    async def _call(self, request: web.Request) -> web.Response:
        call, answer = await self._calls.open(self._choice(request), await self._offer(request))
        return _created(f"/whip/{call}", answer)

    async def _watch(self, request: web.Request) -> web.Response:
        call = request.match_info["call"]
        watcher, answer = await self._calls.watch(call, await self._offer(request))
        return _created(f"/whep/{call}/{watcher}", answer)

    async def _trickle(self, request: web.Request) -> web.Response:
        names = request.match_info
        fragment = await self._body(request, _FRAGMENT)
        await self._calls.trickle(names["call"], names.get("watcher"), fragment)
        return web.Response(status=204)

    async def _hang_up(self, request: web.Request) -> web.Response:
        await self._calls.hang_up(request.match_info["call"])
        return web.Response()

    async def _unwatch(self, request: web.Request) -> web.Response:
        await self._calls.unwatch(request.match_info["call"], request.match_info["watcher"])
        return web.Response()

    def _choice(self, request: web.Request) -> EngineRequest:
        query, usual = request.query, self._usual
        try:
            return EngineRequest(
                query.get("avatar", usual.avatar),
                int(query.get("lookahead_ms", "80")),
                (int(query.get("width", "512")), int(query.get("height", "512"))),
                query.get("background", usual.background),
            )
        except ValueError as error:
            raise RefusalError(400, f"{error}.") from error

    async def _offer(self, request: web.Request) -> str:
        offer = await self._body(request, _SDP)
        check_offer(offer, self._limits)
        try:
            SessionDescription.parse(offer)
        except Exception as error:  # the parser raises whatever it stumbles over
            raise RefusalError(400, "Expected a well-formed SDP offer.") from error
        return offer

    async def _body(self, request: web.Request, kind: str) -> str:
        if request.content_type != kind:
            raise RefusalError(415, f"Expected a body of type {kind}.")
        data = await request.content.read(self._limits.sdp_bytes + 1)
        while not request.content.at_eof() and len(data) <= self._limits.sdp_bytes:
            data += await request.content.read(self._limits.sdp_bytes + 1 - len(data))
        if len(data) > self._limits.sdp_bytes:
            raise RefusalError(413, f"Expected at most {self._limits.sdp_bytes} bytes.")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise RefusalError(400, "Expected text in UTF-8.") from error


def _created(location: str, answer: str) -> web.Response:
    return web.Response(status=201, text=answer, content_type=_SDP, headers={"Location": location})
