from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime.call.avatars import Enroll, Progress
from realtime.call.limits import Limits
from realtime.call.serve import ServeOptions, application
from realtime.errors import PortraitError
from realtime.frame import Picture
from realtime.picture_bytes import encode_jpeg, encode_png
from tests.call.speakers import Drawn, make_loud_mouth

Client = TestClient[web.Request, web.Application]
PHOTO = encode_jpeg(np.full((60, 40, 3), 90, np.uint8)).tobytes()
CONSENT = "/avatars?name=me&consent=yes"


def enroll(picture: Picture, name: str, progress: Progress) -> str:
    assert picture.shape == (60, 40, 3)
    progress("Looking for the face", 0.5)
    return f"{name}-1"


def no_face(picture: Picture, name: str, progress: Progress) -> str:
    del picture, name, progress
    raise PortraitError("expected one face, found none")


def ask(
    work: Callable[[Client], Awaitable[None]],
    enroll: Enroll | None,
    limits: Limits | None = None,
) -> None:
    async def inside() -> None:
        app = application(ServeOptions(limits=limits or Limits()), make_loud_mouth, Drawn(), enroll)
        async with TestClient(TestServer(app)) as client:
            await work(client)

    asyncio.run(inside())


def upload(path: str, body: bytes, enroll: Enroll | None, limits: Limits | None = None) -> int:
    found: list[int] = []

    async def work(client: Client) -> None:
        async with client.post(path, data=body) as response:
            found.append(response.status)
            await response.read()

    ask(work, enroll, limits)
    return found[0]


@pytest.mark.parametrize(
    ("enrolling", "last"),
    [(enroll, {"name": "me-1"}), (no_face, {"error": "expected one face, found none"})],
)
def test_progress_and_the_end_are_told_line_by_line(
    enrolling: Enroll, last: dict[str, str]
) -> None:
    async def work(client: Client) -> None:
        text = await (await client.post(CONSENT, data=PHOTO)).text()
        lines = [json.loads(line) for line in text.splitlines()]
        assert lines[-1] == last
        if enrolling is enroll:
            assert lines[:-1] == [{"text": "Looking for the face", "done": 0.5}]

    ask(work, enrolling)


def test_a_portrait_needs_consent_a_name_and_a_server_that_takes_it() -> None:
    assert upload("/avatars?name=me", PHOTO, enroll) == 403
    assert upload("/avatars?name=me&consent=no", PHOTO, enroll) == 403
    assert upload("/avatars?consent=yes", PHOTO, enroll) == 400
    assert upload("/avatars?consent=yes&name=" + "x" * 101, PHOTO, enroll) == 400
    assert upload(CONSENT, PHOTO, None) == 403


@pytest.mark.parametrize("body", [b"", b"hello", PHOTO[:100], b"GIF89a" + PHOTO])
def test_what_is_no_picture_is_refused(body: bytes) -> None:
    assert upload(CONSENT, body, enroll) == 415


def test_a_picture_is_bounded_in_bytes_and_in_pixels_before_it_is_decoded() -> None:
    few = replace(Limits(), portrait_bytes=1000)
    assert upload(CONSENT, b"x" * 1001, enroll, few) == 413
    bomb = encode_png(np.zeros((3000, 3000), np.uint8)).tobytes()
    assert len(bomb) < 100_000
    assert upload(CONSENT, bomb, enroll, replace(Limits(), portrait_pixels=8_000_000)) == 415


def test_names_and_thumbnails() -> None:
    async def work(client: Client) -> None:
        answer = await (await client.get("/avatars")).json()
        assert answer == {"names": ["grey", "red"], "upload": False}
        response = await client.get("/avatars/red")
        assert response.content_type == "image/jpeg"
        assert (await response.read()).startswith(b"\xff\xd8")
        assert (await client.get("/avatars/nobody")).status == 404

    ask(work, None)
