"""`web --cluster` and `bench cluster`: the same calls, on the workers of a Ray cluster."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import ray
from aiortc import RTCConfiguration
from numpy.typing import NDArray

from realtime.audio.sources import sound_blocks
from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.limits import Limits
from realtime.call.meters import Metrics
from realtime.call.serve import ServeOptions, ice_servers, serve
from realtime.call.session import House
from realtime.call.sessions import Sessions
from realtime.cluster.front import Front
from realtime.cluster.ray_workers import RayWorkers, joined, shelf
from realtime.cluster.serve import cluster_application
from realtime.cluster.shelf import SharedGallery
from realtime.cluster.worker import WorkerOptions
from realtime.commands.call import enroller, make_engines
from realtime.commands.common import ASSETS, Arguments, load_networks, report
from realtime.enroll.fitting import FittingRoom
from realtime.frame import Steps
from realtime.gallery import AvatarGallery
from realtime.measure.bench_cluster import offers_to_answers, plot, simulate
from realtime.models.face_parser import load_parser
from realtime.models.networks import Networks
from realtime.models.weights import load_weights
from realtime.outputs.playback import blocks_of

_CALL = EngineRequest("ava")
# The first of so many steps warm up.
_STEPS, _FIRST_STEPS = 110, 10


def web(options: ServeOptions, address: str) -> None:
    """Serves the page until interrupted; `address` is a cluster's, or 'local'.

    On a cluster the workers outlive this front.
    """
    with joined(None if address == "local" else address):
        shared = shelf(load_weights)
        gallery = SharedGallery(AvatarGallery(ASSETS), shared)
        secret = ray.get(shared.secret.remote())
        workers = _started(shared, secret, options)
        enroll = enroller(load_networks(), gallery)
        fitting = FittingRoom(gallery, load_parser())
        serve(options, cluster_application(options, workers, secret, gallery, enroll, fitting))


def bench(arguments: Arguments) -> None:
    """A simulated cluster, its workers as fast as this machine; with --offers a real one."""
    networks = load_networks()
    make_engine = make_engines(networks, AvatarGallery(ASSETS))
    steps_s = _step_times(make_engine(_CALL), arguments.speech)
    figures, outcome = simulate(arguments.sessions, arguments.workers, steps_s, arguments.seed)
    if arguments.png:
        plot(outcome, arguments.png)
    if arguments.offers:
        figures |= _offers(make_engine, arguments.offers)
    report(figures, arguments.json)


def _offers(make_engine: MakeEngine, rounds: int) -> dict[str, float]:
    metrics, limits = Metrics(), Limits()
    house = House(make_engine, limits, time.monotonic, RTCConfiguration(iceServers=[]))
    with joined(None):
        shared = shelf(load_weights)
        secret = ray.get(shared.secret.remote())
        front = Front(_started(shared, secret, ServeOptions()), secret, metrics, time.monotonic)

        async def alternate() -> dict[str, float]:
            async with front.watching():
                while not front.reports:
                    await asyncio.sleep(0.1)
                single = Sessions(house, metrics)
                return await offers_to_answers(single, front, _CALL, rounds, time.perf_counter)

        return asyncio.run(alternate())


def _step_times(engine: Steps, speech: Path) -> NDArray[np.float64]:
    times = []
    for block in islice(blocks_of(sound_blocks(speech)), _STEPS):
        began = time.perf_counter()
        engine.step(block)
        times.append(time.perf_counter() - began)
    return np.array(times[_FIRST_STEPS:])


def _started(shared: Any, secret: bytes, options: ServeOptions) -> RayWorkers:
    workers = RayWorkers()
    factory, ice = partial(_engines, shared), ice_servers(options)
    workers.start(WorkerOptions(factory, secret, limits=options.limits, ice=ice))
    return workers


def _engines(shared: Any) -> MakeEngine:
    """Runs in each worker: weights from the node's object store, portraits from the shelf."""
    (weights,) = ray.get(shared.weights.remote())
    networks = Networks.restore(ray.get(weights))
    return make_engines(networks, SharedGallery(AvatarGallery(ASSETS), shared))
