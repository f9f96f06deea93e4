"""Who may come in: host, origin, token and rate, checked before anything else is read."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from realtime.call.limits import Buckets, Limits, RefusalError
from realtime.call.meters import Metrics
from realtime.call.tracks import Clock
from realtime.errors import SegTalkerError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether a bind address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Gate:
    """The middleware in front of every handler; every refusal is one sentence of plain text.

    `page` are the paths that need no token: the page holds nothing secret, and asks for it.
    """

    def __init__(
        self,
        host: str,
        token: str | None,
        page: Collection[str],
        limits: Limits,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._page = page
        self._host = host
        self._token = token
        self._buckets = Buckets(limits.offers_per_s, limits.offers_at_once)
        self._metrics = metrics
        self._clock = clock

    @property
    def middleware(self) -> Middleware:
        """For `web.Application(middlewares=...)`."""

        @web.middleware
        async def pass_or_refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self._check(request)
                response = await handler(request)
            except RefusalError as refusal:
                response = self._refused(refusal.status, str(refusal))
            except SegTalkerError as error:
                response = self._refused(422, str(error))
            except web.HTTPException as error:
                response = self._refused(error.status, error.reason)
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return pass_or_refuse

    def _check(self, request: web.Request) -> None:
        self._check_host(request)
        if request.path not in self._page:
            self._check_token(request)
        if request.method != "GET" and not self._buckets.take(request.remote or "", self._clock()):
            raise RefusalError(429, "Too many requests: wait a few seconds.")

    def _check_host(self, request: web.Request) -> None:
        """A page of another site must neither read ours nor, by a name of its own, become it."""
        name = urlsplit(f"//{request.host}").hostname
        if self._token is None and name not in {*_LOOPBACK, self._host}:
            raise RefusalError(403, f"Expected this machine's own name as host, found {name}.")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.host}":
            raise RefusalError(403, "Requests from other sites are refused.")

    def _check_token(self, request: web.Request) -> None:
        if self._token is None:
            return
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise RefusalError(401, "The token is missing or wrong: open the address as printed.")

    def _refused(self, status: int, text: str) -> web.Response:
        self._metrics.refused.labels(str(status)).inc()
        headers = {"Retry-After": "10"} if status in (429, 503) else {}
        return web.Response(status=status, text=text, headers=headers)
