"""Signalling over plain HTTP: WHIP to call, WHEP to watch.

POST   /whip                 SDP offer -> 201, SDP answer, Location: /whip/ID
                             ?avatar=NAME&lookahead_ms=80&width=512&height=512&background=blur
PATCH  /whip/ID              candidates, as application/trickle-ice-sdpfrag -> 204
DELETE /whip/ID              ends the call -> 200
POST   /whep/ID              the same to see and hear call ID, Location: /whep/ID/WATCHER
PATCH, DELETE /whep/ID/WATCHER
"""

from __future__ import annotations

import secrets

from aiohttp import web
from aiortc import RTCIceCandidate, RTCPeerConnection
from aiortc.sdp import SessionDescription, candidate_from_sdp

from realtime.call.engines import EngineRequest
from realtime.call.limits import Limits, RefusalError, check_offer
from realtime.call.session import Session
from realtime.call.sessions import Sessions

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"


class Signalling:
    """The handlers of the table above."""

    def __init__(self, sessions: Sessions, limits: Limits, default_avatar: str) -> None:
        self._sessions = sessions
        self._limits = limits
        self._default_avatar = default_avatar

    def routes(self) -> list[web.RouteDef]:
        """For `app.add_routes`."""
        return [
            web.post("/whip", self._call),
            web.patch("/whip/{session}", self._trickle),
            web.delete("/whip/{session}", self._hang_up),
            web.post("/whep/{session}", self._watch),
            web.patch("/whep/{session}/{watcher}", self._trickle),
            web.delete("/whep/{session}/{watcher}", self._unwatch),
        ]

    async def _call(self, request: web.Request) -> web.Response:
        offer = await self._offer(request)
        session, answer = await self._sessions.open(self._choice(request), offer)
        return _created(f"/whip/{session.id}", answer)

    async def _watch(self, request: web.Request) -> web.Response:
        session = self._sessions.find(request.match_info["session"])
        offer = await self._offer(request)
        watcher = secrets.token_urlsafe(16)
        answer = await session.watch(watcher, offer)
        return _created(f"/whep/{session.id}/{watcher}", answer)

    async def _trickle(self, request: web.Request) -> web.Response:
        session = self._sessions.find(request.match_info["session"])
        fragment = await self._body(request, _FRAGMENT)
        for each in candidates(fragment, self._limits.candidates):
            await _connection(session, request).addIceCandidate(each)
        return web.Response(status=204)

    async def _hang_up(self, request: web.Request) -> web.Response:
        session = self._sessions.find(request.match_info["session"])
        await self._sessions.end(session.id, "You hung up.")
        return web.Response()

    async def _unwatch(self, request: web.Request) -> web.Response:
        session = self._sessions.find(request.match_info["session"])
        await session.unwatch(request.match_info["watcher"])
        return web.Response()

    def _choice(self, request: web.Request) -> EngineRequest:
        query = request.query
        background = query.get("background")
        if background not in (None, "blur"):
            raise RefusalError(400, "Expected the background blur, or none.")
        try:
            return EngineRequest(
                query.get("avatar", self._default_avatar),
                int(query.get("lookahead_ms", "80")),
                (int(query.get("width", "512")), int(query.get("height", "512"))),
                "blur" if background else None,
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


def _connection(session: Session, request: web.Request) -> RTCPeerConnection:
    """The caller's or the watcher's, by the address asked for."""
    name = request.match_info.get("watcher")
    if name is None:
        return session.connection
    if name not in session.watchers:
        raise RefusalError(404, "There is no such watcher.")
    return session.watchers[name].connection


def candidates(fragment: str, most: int) -> list[RTCIceCandidate]:
    """The candidates of an SDP fragment (RFC 8840); raises RefusalError (400) if one is unfit."""
    found: list[RTCIceCandidate] = []
    mid = "0"
    for line in fragment.splitlines():
        if line.startswith("a=mid:"):
            mid = line.removeprefix("a=mid:")
        elif line.startswith("a=candidate:"):
            found.append(_candidate(line.removeprefix("a=candidate:"), mid))
    if len(found) > most:
        raise RefusalError(400, f"Expected at most {most} candidates, found {len(found)}.")
    return found


def _candidate(text: str, mid: str) -> RTCIceCandidate:
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, IndexError, ValueError) as error:
        raise RefusalError(400, "Expected an ICE candidate.") from error
    candidate.sdpMid = mid
    return candidate


def _created(location: str, answer: str) -> web.Response:
    return web.Response(status=201, text=answer, content_type=_SDP, headers={"Location": location})
