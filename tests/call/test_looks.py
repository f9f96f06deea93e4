from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime.call.looks import Fitting
from realtime.call.serve import ServeOptions, application
from realtime.errors import InputError
from realtime.frame import Picture
from realtime.manner import RANGES
from tests.call.speakers import Drawn, make_loud_mouth

Client = TestClient[web.Request, web.Application]
PAGE = Path(__file__).parents[2] / "web" / "index.html"


class OneColour:
    """Red lips for grey."""

    def colours(self) -> Mapping[str, Sequence[str]]:
        return {"lips": ["red"]}

    def picture(self, avatar: str, part: str, colour: str) -> Picture:
        if (avatar, part, colour) != ("grey", "lips", "red"):
            raise InputError(f"expected red lips for grey, found {colour} {part} for {avatar}")
        return np.full((48, 64, 3), (200, 0, 0), np.uint8)


def ask(work: Callable[[Client], Awaitable[None]], fitting: Fitting | None) -> None:
    async def inside() -> None:
        app = application(ServeOptions(), make_loud_mouth, Drawn(), fitting=fitting)
        async with TestClient(TestServer(app)) as client:
            await work(client)

    asyncio.run(inside())


def test_colours_are_listed_and_shown() -> None:
    async def work(client: Client) -> None:
        assert await (await client.get("/looks")).json() == {"lips": ["red"]}
        shown = await client.get("/looks/grey/lips/red")
        assert shown.content_type == "image/jpeg"
        refused = await client.get("/looks/grey/hair/red")
        assert (refused.status, await refused.text()) == (
            404,
            "expected red lips for grey, found red hair for grey.",
        )

    ask(work, OneColour())


def test_a_server_may_have_none() -> None:
    async def work(client: Client) -> None:
        assert await (await client.get("/looks")).json() == {}
        assert (await client.get("/looks/grey/lips/red")).status == 404

    ask(work, None)


@pytest.mark.parametrize("name", RANGES)
def test_the_pages_sliders_end_where_the_head_does(name: str) -> None:
    slider = re.search(f'name="{name}" min="(.*?)" max="(.*?)"', PAGE.read_text("utf-8"))
    assert slider is not None
    assert (float(slider[1]), float(slider[2])) == RANGES[name]
