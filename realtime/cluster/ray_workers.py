"""The workers as Ray's actors: named, detached from the front, started anew when they die."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from realtime.cluster.front import UnreachableError
from realtime.cluster.shelf import Shelf
from realtime.cluster.worker import Worker, WorkerOptions
from realtime.errors import InputError

_NAMESPACE = "segtalker"
_SHELF = "shelf"
_PREFIX = "worker-"
# A request that has no answer within this time, s, counts as unanswered.
_ANSWER_S = 10.0
_KNOCK_S = 3.0


@contextmanager
def joined(address: str | None) -> Iterator[None]:
    """Ray, on this machine alone for None, else that of a running cluster at HOST:PORT.

    Raises InputError if the cluster cannot be reached.
    """
    try:
        if address:
            _knock(address)
        ray.init(
            address or "local",
            namespace=_NAMESPACE,
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise InputError(
            f"expected a Ray cluster at HOST:PORT, found none at {address}: "
            "ray start --head begins one, and prints its address"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError or ValueError where nobody listens: Ray itself would try for minutes."""
    parts = urlsplit(f"//{address}")
    socket.create_connection((parts.hostname or "", parts.port or 0), _KNOCK_S).close()


def shelf(load_weights: Callable[[], object]) -> Any:
    """The cluster's one shelf, made by whoever comes first."""
    actor = ray.remote(num_cpus=0)(Shelf)
    options = actor.options(name=_SHELF, lifetime="detached", get_if_exists=True)
    return options.remote(load_weights)


class RayWorkers:
    """See `realtime.cluster.front.Workers`."""

    def start(self, options: WorkerOptions, per_node: int | None = None) -> None:
        """As many workers on every node as its GPUs, or else its cores, have room for.

        Those that run already are left alone.
        """
        for node in ray.nodes():  # type: ignore[no-untyped-call]
            if node["Alive"]:
                resources = node["Resources"]
                gpus = int(resources.get("GPU", 0))
                fitting = gpus or max(int(resources.get("CPU", 0)) // options.cores, 1)
                for number in range(per_node or fitting):
                    self._start(f"{_PREFIX}{node['NodeID'][:8]}-{number}", node, options, gpus > 0)

    def _start(self, name: str, node: dict[str, Any], options: WorkerOptions, on_gpu: bool) -> None:
        ray.remote(Worker).options(
            name=name,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            num_cpus=0 if on_gpu else options.cores,
            num_gpus=1 if on_gpu else 0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        ).remote(name, options)

    async def names(self) -> list[str]:
        """All that were started and not ended."""
        listed = await asyncio.to_thread(ray.util.list_named_actors)
        return [name for name in listed if name.startswith(_PREFIX)]

    async def ask(self, worker: str, method: str, *arguments: object) -> Any:
        """See `Workers.ask`."""
        try:
            actor = ray.get_actor(worker)
            async with asyncio.timeout(_ANSWER_S):
                return await getattr(actor, method).remote(*arguments)
        except RayTaskError as error:
            raise error.cause from None
        except (RayActorError, GetTimeoutError, ValueError, TimeoutError) as error:
            raise UnreachableError(worker) from error

    async def restart(self, worker: str) -> None:
        """Kills a worker that hangs; Ray starts it anew."""
        self._kill(worker, no_restart=False)

    async def end(self, worker: str) -> None:
        """Ends a worker for good."""
        self._kill(worker, no_restart=True)

    def _kill(self, worker: str, *, no_restart: bool) -> None:
        try:
            ray.kill(ray.get_actor(worker), no_restart=no_restart)
        except ValueError:  # another front was faster
            return
