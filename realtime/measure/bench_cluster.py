"""`bench cluster`: how evenly calls spread, and what the way over a worker costs an offer."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection
from numpy.typing import NDArray

from realtime.call.calls import Calls
from realtime.call.engines import EngineRequest
from realtime.clock import FRAME_RATE
from realtime.cluster.simulation import Outcome, Plan, Simulation

# The simulated workers have so many places and cores for each call of an average one.
_SPARE_PLACES, _SPARE_CORES = 1.2, 1.35


def simulate(
    sessions: int, workers: int, steps_s: NDArray[np.float64], seed: int
) -> tuple[dict[str, float | int], Outcome]:
    """The figures of one run, and all of it; workers are as large as such a cluster needs."""
    each = sessions / workers
    cores = _SPARE_CORES * each * float(steps_s.mean()) * FRAME_RATE
    plan = Plan(sessions, workers, math.ceil(_SPARE_PLACES * each), cores)
    outcome = Simulation(plan, steps_s, seed).run()
    return {
        "busiest_over_mean": round(outcome.busiest_over_mean, 3),
        "refused_with_room": outcome.refused_with_room,
        "refused": outcome.refused,
        "lost": outcome.lost,
        "redialled": outcome.redialled,
        "placed": outcome.placed,
        "sessions": sessions,
        "workers": workers,
        "cores_per_worker": round(cores, 1),
        "step_mean_ms": round(float(steps_s.mean()) * 1000, 2),
    }, outcome


def plot(outcome: Outcome, path: Path) -> None:
    """Calls of the busiest worker and of an average one over time; raises OutputError."""
    from realtime.measure.figures import new_figure, save_figure

    figure = new_figure()
    axes = figure.add_subplot(xlabel="seconds", ylabel="calls of a worker")
    axes.plot(outcome.times, outcome.busiest, label="busiest")
    axes.plot(outcome.times, outcome.mean, label="mean of those that take calls")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    save_figure(figure, path)


async def offers_to_answers(
    single: Calls, cluster: Calls, request: EngineRequest, rounds: int, now: Callable[[], float]
) -> dict[str, float]:
    """Milliseconds from an offer to its answer, here and on a worker, alternating."""
    times: dict[str, list[float]] = {"single": [], "cluster": []}
    for _ in range(rounds + 1):
        for name, calls in (("single", single), ("cluster", cluster)):
            times[name].append(await _offer_to_answer(calls, request, now))
    figures = {
        f"offer_{name}_{label}_ms": round(float(np.percentile(each[1:], part)) * 1000, 1)
        for name, each in times.items()
        for label, part in (("p50", 50), ("p95", 95))
    }
    more = figures["offer_cluster_p95_ms"] - figures["offer_single_p95_ms"]
    return {**figures, "offer_more_p95_ms": round(more, 1)}


async def _offer_to_answer(calls: Calls, request: EngineRequest, now: Callable[[], float]) -> float:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTransceiver("audio")
        peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        began = now()
        call, _ = await calls.open(request, peer.localDescription.sdp)
        took = now() - began
        await calls.hang_up(call)
    finally:
        await peer.close()
    return took
