"""Every test of the call once more, its calls held by a worker behind a front."""

from __future__ import annotations

import pytest
from aiohttp import web

from realtime.call.avatars import Enroll, Gallery
from realtime.call.engines import MakeEngine
from realtime.call.serve import ServeOptions
from realtime.cluster.serve import cluster_application
from tests.call import test_avatars, test_signalling, test_two_peers
from tests.cluster.workers_here import SECRET, WorkersHere

MODULES = (test_avatars, test_signalling, test_two_peers)
for module in MODULES:
    globals().update(
        {name: each for name, each in vars(module).items() if name.startswith("test_")}
    )


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
        monkeypatch.setattr(module, "application", on_a_worker)
