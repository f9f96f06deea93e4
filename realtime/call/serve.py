"""The web server of the call: what it offers, and where it listens."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiortc import RTCConfiguration, RTCIceServer

from realtime.call import bitrate
from realtime.call.avatars import Avatars, Enroll, Gallery
from realtime.call.calls import Calls
from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.gate import Gate, is_loopback
from realtime.call.ice import IceServer
from realtime.call.limits import Limits
from realtime.call.looks import Fitting, Looks
from realtime.call.meters import Metrics
from realtime.call.session import House
from realtime.call.sessions import Sessions
from realtime.call.signalling import Signalling
from realtime.errors import InputError

_PAGE = Path(__file__).parents[2] / "web"
# A request under way when the server ends is given this long.
_SHUTDOWN_S = 3


@dataclass(frozen=True)
class ServeOptions:
    """Where to listen, whom to let in, and the background (as in EngineRequest) they begin with.

    Raises InputError if another than this machine could come in without a token, or if only one of
    certificate and key is given.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    cert: Path | None = None
    key: Path | None = None
    ice: tuple[IceServer, ...] = ()
    background: str | bytes = "none"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not self.token and not is_loopback(self.host):
            raise InputError(
                f"expected --token, because {self.host} can be reached from other machines; "
                "found none"
            )
        if (self.cert is None) != (self.key is None):
            raise InputError("expected both --cert and --key, or neither; found one")

    @property
    def address(self) -> str:
        """What to open in a browser; the token stands behind #, which browsers do not send."""
        scheme = "https" if self.cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/" + (f"#token={self.token}" if self.token else "")


def serve(options: ServeOptions, app: web.Application) -> None:
    """Serves calls until interrupted; prints the address to open.

    Raises InputError if the address or the certificate cannot be used.
    """
    logging.getLogger("aiortc").setLevel(logging.ERROR)
    bitrate.apply(bitrate.Bitrates())
    context = tls(options)

    def announce(_: str) -> None:
        print(f"Open {options.address}   (Ctrl+C ends)", flush=True)
        if context is None and not is_loopback(options.host):
            print("Browsers give http:// of another machine no microphone: use --cert and --key.")

    try:
        web.run_app(
            app,
            host=options.host,
            port=options.port,
            ssl_context=context,
            print=announce,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
        )
    except OSError as error:
        raise InputError(f"cannot listen on {options.host}:{options.port}: {error}") from error


def application(
    options: ServeOptions,
    make_engine: MakeEngine,
    gallery: Gallery,
    enroll: Enroll | None = None,
    fitting: Fitting | None = None,
) -> web.Application:
    """The server without its sockets, holding its calls itself."""
    metrics, ice = Metrics(), RTCConfiguration(iceServers=ice_servers(options))
    sessions = Sessions(House(make_engine, options.limits, time.monotonic, ice), metrics)
    app = public(options, sessions, metrics, gallery, enroll, fitting)

    async def sweeping(_: web.Application) -> AsyncIterator[None]:
        async with sessions.swept():
            yield

    app.cleanup_ctx.append(sweeping)
    return app


def public(
    options: ServeOptions,
    calls: Calls,
    metrics: Metrics,
    gallery: Gallery,
    enroll: Enroll | None = None,
    fitting: Fitting | None = None,
) -> web.Application:
    """Page, portraits and signalling before calls that are held here or elsewhere."""
    limits = options.limits
    # Everything of the page, by its address; nothing else can be read.
    page = {f"/{path.name}": path for path in _PAGE.iterdir()} | {"/": _PAGE / "index.html"}
    gate = Gate(options.host, options.token, page, limits, metrics, time.monotonic)
    app = web.Application(middlewares=[gate.middleware], client_max_size=limits.portrait_bytes + 1)
    usual = EngineRequest(gallery.names()[0], background=options.background)
    app.add_routes(Signalling(calls, limits, usual).routes())
    app.add_routes(Avatars(gallery, enroll, limits).routes())
    app.add_routes(Looks(fitting).routes())

    async def show_page(request: web.Request) -> web.FileResponse:
        return web.FileResponse(page[request.path])

    async def ice(_: web.Request) -> web.Response:
        return web.json_response([each.for_browser() for each in options.ice])

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), content_type="text/plain")

    app.add_routes([web.get(path, show_page) for path in page])
    app.add_routes([web.get("/ice", ice), web.get("/metrics", show_metrics)])
    return app


def ice_servers(options: ServeOptions) -> list[RTCIceServer]:
    """STUN and TURN, as aiortc wants them."""
    return [each.for_aiortc() for each in options.ice]


def tls(options: ServeOptions) -> ssl.SSLContext | None:
    """What encrypts, if asked for; raises InputError if certificate or key cannot be used."""
    if options.cert is None or options.key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.cert, options.key)
    except OSError as error:
        raise InputError(f"cannot use {options.cert} and {options.key}: {error}") from error
    return context
