"""The web server of a cluster: page and signalling here, calls on the workers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import asdict

from aiohttp import web

from realtime.call.avatars import Enroll, Gallery
from realtime.call.looks import Fitting
from realtime.call.meters import Metrics
from realtime.call.serve import ServeOptions, public
from realtime.cluster.front import Front, Workers


def cluster_application(
    options: ServeOptions,
    workers: Workers,
    secret: bytes,
    gallery: Gallery,
    enroll: Enroll | None = None,
    fitting: Fitting | None = None,
) -> web.Application:
    """The server without its sockets.

    Beside what a single process serves: GET /workers, the workers' reports, and
    POST /workers/NAME/drain -> 204: no new calls for this worker, which ends with its last one.
    """
    metrics = Metrics()
    front = Front(workers, secret, metrics, time.monotonic)
    app = public(options, front, metrics, gallery, enroll, fitting)

    async def reports(_: web.Request) -> web.Response:
        return web.json_response([asdict(report) for report in front.reports])

    async def drain(request: web.Request) -> web.Response:
        await front.drain(request.match_info["worker"])
        return web.Response(status=204)

    async def watching(_: web.Application) -> AsyncIterator[None]:
        async with front.watching():
            yield

    app.add_routes([web.get("/workers", reports), web.post("/workers/{worker}/drain", drain)])
    app.cleanup_ctx.append(watching)
    return app
