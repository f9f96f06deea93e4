from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from realtime.call.limits import Limits, RefusalError
from realtime.call.serve import ServeOptions, application
from realtime.call.trickle import candidates
from realtime.errors import InputError
from tests.call.speakers import Drawn, make_loud_mouth

Client = TestClient[web.Request, web.Application]
SDP = {"Content-Type": "application/sdp"}
EASY = Limits(offers_at_once=10_000)
AUDIO = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"


def ask(work: Callable[[Client], Awaitable[None]], options: ServeOptions) -> None:
    async def inside() -> None:
        app = application(options, make_loud_mouth, Drawn())
        async with TestClient(TestServer(app)) as client:
            await work(client)

    asyncio.run(inside())


def statuses(
    requests: list[tuple[str, str, dict[str, str], bytes]], options: ServeOptions
) -> list[int]:
    """Method, path, headers and body of each request -> its status."""
    found: list[int] = []

    async def work(client: Client) -> None:
        for method, path, headers, body in requests:
            async with client.request(method, path, headers=headers, data=body) as response:
                found.append(response.status)
                await response.read()

    ask(work, options)
    return found


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, AUDIO.encode(), 415),
        (SDP, b"", 400),
        (SDP, b"hello", 400),
        (SDP, b"\xff\xfe", 400),
        (SDP, AUDIO.encode(), 400),
        (SDP, (AUDIO + "a=rtpmap:\r\n").encode(), 400),
        (SDP, (AUDIO + "a=fingerprint:sha-256 zz\r\na=ice-ufrag:x\r\n").encode(), 400),
        (SDP, AUDIO.encode() + b"a" * 70_000, 413),
        (SDP, b"v=0" * 300_000, 413),
    ],
)
def test_unfit_offers_are_refused(headers: dict[str, str], body: bytes, status: int) -> None:
    assert statuses([("POST", "/whip", headers, body)], ServeOptions(limits=EASY)) == [status]


@pytest.mark.parametrize(
    "query",
    ["lookahead_ms=50", "lookahead_ms=x", "width=63", "height=99999", "background=x", "avatar="],
)
def test_unfit_choices_are_refused(query: str) -> None:
    offer = ("POST", f"/whip?{query}", SDP, AUDIO.encode() + b"c=IN IP4 0.0.0.0\r\n")
    assert statuses([offer], ServeOptions(limits=EASY)) == [400]


def test_an_unknown_avatar_is_refused_in_words() -> None:
    async def work(client: Client) -> None:
        body = AUDIO + "c=IN IP4 0.0.0.0\r\n"
        async with client.post("/whip?avatar=nobody", headers=SDP, data=body) as response:
            assert response.status == 422
            assert "nobody" in await response.text()

    ask(work, ServeOptions())


def test_a_token_is_demanded_for_all_but_the_page() -> None:
    options = ServeOptions(token="secret", limits=EASY)
    right, wrong = {"Authorization": "Bearer secret"}, {"Authorization": "Bearer wrong"}
    closed = ["/avatars", "/avatars/grey", "/metrics", "/ice"]
    opened = ["/", "/app.js", "/call.js", "/plot.js", "/style.css"]
    assert set(statuses([("GET", path, {}, b"") for path in closed], options)) == {401}
    assert set(statuses([("GET", path, wrong, b"") for path in closed], options)) == {401}
    assert set(statuses([("GET", path, right, b"") for path in closed], options)) == {200}
    assert set(statuses([("GET", path, {}, b"") for path in opened], options)) == {200}
    assert statuses([("POST", "/whip", {**SDP, **wrong}, AUDIO.encode())], options) == [401]


def test_other_hosts_and_origins_are_refused() -> None:
    requests = [
        ("GET", "/avatars", {"Host": "evil.example"}, b""),
        ("GET", "/avatars", {"Origin": "http://evil.example"}, b""),
        ("GET", "/avatars", {"Host": "localhost:80", "Origin": "http://localhost:80"}, b""),
        ("GET", "/avatars", {"Host": "[::1]:80"}, b""),
    ]
    assert statuses(requests, ServeOptions()) == [403, 403, 200, 200]


@pytest.mark.parametrize(
    "path",
    ["/../run_avatar.py", "/%2e%2e/run_avatar.py", "/web/index.html", "/avatars/..%2f..%2fx", "/x"],
)
def test_nothing_but_the_page_and_the_avatars_can_be_read(path: str) -> None:
    assert statuses([("GET", path, {}, b"")], ServeOptions()) == [404]


@pytest.mark.parametrize("path", ["/whip/nobody", "/whep/nobody/watcher"])
def test_calls_that_do_not_exist_are_not_found(path: str) -> None:
    fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
    requests = [("PATCH", path, fragment, b""), ("DELETE", path, {}, b"")]
    assert statuses(requests, ServeOptions()) == [404, 404]


def test_too_many_requests_are_told_to_wait() -> None:
    options = ServeOptions(limits=replace(Limits(), offers_at_once=2, offers_per_s=0.001))
    offers = [("POST", "/whip", SDP, b"hello")] * 4
    assert statuses(offers, options) == [400, 400, 429, 429]


def test_metrics_are_in_prometheus_form() -> None:
    async def work(client: Client) -> None:
        await (await client.post("/whip", headers=SDP, data="hello")).text()
        text = await (await client.get("/metrics")).text()
        assert 'avatar_refused_total{status="400"} 1.0' in text
        for name in ("step", "encode", "queue"):
            assert f"avatar_{name}_seconds_bucket" in text
        assert "avatar_sessions 0.0" in text
        assert "process_resident_memory_bytes" in text

    ask(work, ServeOptions())


def test_candidates_of_a_fragment() -> None:
    fragment = "a=mid:1\r\na=candidate:1 1 udp 2122 192.0.2.1 5000 typ host\r\n"
    (found,) = candidates(fragment, 64)
    assert (found.ip, found.port, found.sdpMid) == ("192.0.2.1", 5000, "1")
    for unfit in ("a=candidate:x\r\n", "a=candidate:1 1 udp x y z typ host\r\n", fragment * 65):
        with pytest.raises(RefusalError):
            candidates(unfit, 64)


def test_another_bind_needs_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(InputError, match="--token"):
            ServeOptions(host=host)
        ServeOptions(host=host, token="secret")
    for host in ("127.0.0.1", "::1", "localhost"):
        ServeOptions(host=host)


def test_the_printed_address_keeps_the_token_out_of_requests() -> None:
    assert ServeOptions(host="::1", port=5, token="t").address == "http://[::1]:5/#token=t"
