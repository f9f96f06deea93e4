"""The colours a portrait may be given, and how it looks in them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from aiohttp import web

from realtime.beside import step_aside
from realtime.call.avatars import thumbnail
from realtime.call.limits import RefusalError
from realtime.errors import InputError
from realtime.frame import Picture


class Fitting(Protocol):
    """Portraits in other colours."""

    def colours(self) -> Mapping[str, Sequence[str]]:
        """The names of the colours there are, by part."""

    def picture(self, avatar: str, part: str, colour: str) -> Picture:
        """RGB uint8 [H, W, 3], `colour` may be "own"; InputError if there is none.

        Called in a thread of its own.
        """


class Looks:
    """GET /looks: the colours by part; GET /looks/NAME/PART/COLOUR: that portrait, a thumbnail.

    Pictures are made one at a time, beside the calls.
    """

    def __init__(self, fitting: Fitting | None) -> None:
        self._fitting = fitting
        self._beside = ThreadPoolExecutor(1, "looks", step_aside)

    def routes(self) -> list[web.RouteDef]:
        """For `app.add_routes`."""
        return [
            web.get("/looks", self._list),
            web.get("/looks/{avatar}/{part}/{colour}", self._thumbnail),
        ]

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(self._fitting.colours() if self._fitting else {})

    async def _thumbnail(self, request: web.Request) -> web.Response:
        if self._fitting is None:
            raise RefusalError(404, "There are no other colours.")
        make = partial(self._fitting.picture, **request.match_info)
        try:
            picture = await asyncio.get_running_loop().run_in_executor(self._beside, make)
        except InputError as error:
            raise RefusalError(404, f"{error}.") from error
        return web.Response(body=thumbnail(picture), content_type="image/jpeg")
