"""Every test of the call once more, its calls held by a worker behind a front."""

from __future__ import annotations

import pytest
from aiohttp import web

from realtime.call.avatars import Enroll, Gallery
from realtime.call.engines import MakeEngine
from realtime.call.serve import ServeOptions
from realtime.cluster.serve import cluster_application
from tests.call.test_avatars import *  # noqa: F403
from tests.call.test_signalling import *  # noqa: F403
from tests.call.test_two_peers import *  # noqa: F403
from tests.cluster.workers_here import SECRET, WorkersHere

MODULES = ("test_avatars", "test_signalling", "test_two_peers")


def on_a_worker(
    options: ServeOptions, make_engine: MakeEngine, gallery: Gallery, enroll: Enroll | None = None
) -> web.Application:
    workers = WorkersHere(make_engine, options.limits)
    app = cluster_application(options, workers, SECRET, gallery, enroll)

    async def close(_: web.Application) -> None:
        for worker in workers.workers.values():
            await worker.close()

    app.on_cleanup.append(close)
    return app


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in MODULES:
        monkeypatch.setattr(f"tests.call.{module}.application", on_a_worker)
