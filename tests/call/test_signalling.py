from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from realtime.call.ice import IceServer
from realtime.call.limits import Limits, RefusalError
from realtime.call.serve import ServeOptions, application, ice_servers, tls
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
        for name in ("step", "encode", "queue", "skew"):
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


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("stun:stun.example:3478", {"urls": "stun:stun.example:3478"}),
        (
            "turn:me:secret@turn.example:3478?transport=tcp",
            {
                "urls": "turn:turn.example:3478?transport=tcp",
                "username": "me",
                "credential": "secret",
            },
        ),
    ],
)
def test_ice_servers_reach_the_page_and_our_own_peers(text: str, server: dict[str, str]) -> None:
    options = ServeOptions(ice=(IceServer.parse(text),))
    (ours,) = ice_servers(options)
    assert (ours.urls, ours.credential) == (server["urls"], server.get("credential"))

    async def work(client: Client) -> None:
        assert await (await client.get("/ice")).json() == [server]

    ask(work, options)


@pytest.mark.parametrize(
    "text", ["", "example:1", "turn:example:1", "stun:me:x@example", "http://x"]
)
def test_what_is_no_ice_server_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected stun"):
        IceServer.parse(text)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    began = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(pem))
    files[1].write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()))
    return files


def test_over_tls_the_page_comes_to_who_trusts_the_certificate(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    options = ServeOptions(token="secret", cert=cert, key=key)
    assert options.address.startswith("https://")

    async def work() -> None:
        server = TestServer(application(options, make_loud_mouth, Drawn()), host="localhost")
        await server.start_server(ssl=tls(options))
        trusting = ssl.create_default_context(cafile=cert)
        try:
            async with aiohttp.ClientSession() as http:
                async with http.get(server.make_url("/"), ssl=trusting) as response:
                    assert response.url.scheme == "https"
                    assert "SegTalker" in await response.text()
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await http.get(server.make_url("/"))
        finally:
            await server.close()

    asyncio.run(work())


def test_what_is_no_certificate_is_told(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    cert.write_text("hello")
    for path in (cert, tmp_path / "missing.pem"):
        with pytest.raises(InputError, match="cannot use"):
            tls(ServeOptions(cert=path, key=key))


def test_the_printed_address_keeps_the_token_out_of_requests() -> None:
    assert ServeOptions(host="::1", port=5, token="t").address == "http://[::1]:5/#token=t"
