"""A server, or a peer, in a thread of its own, for those who watch it from outside."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Self, TypeVar

from aiohttp import web

T = TypeVar("T")
_PATIENCE_S = 60


class Background:
    """An event loop in a thread of its own, as a context."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns there; raises TimeoutError after a minute."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    @contextlib.contextmanager
    def serving(self, app: web.Application, port: int = 0) -> Iterator[str]:
        """Runs a server there, on a free port or this one: its address, ending in a slash."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)

        async def begin() -> int:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
            taken: int = runner.addresses[0][1]
            return taken

        try:
            yield f"http://127.0.0.1:{self.run(begin())}/"
        finally:
            self.run(runner.cleanup())


async def _settle() -> None:
    """Ends the tasks left, and lets closed sockets go, which they do in a loop's next turn."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


@contextlib.contextmanager
def served(app: web.Application, port: int = 0) -> Iterator[str]:
    """Runs a server in a thread of its own: its address, ending in a slash."""
    with Background() as background, background.serving(app, port) as address:
        yield address
