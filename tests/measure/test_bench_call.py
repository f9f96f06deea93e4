from __future__ import annotations

import asyncio

import numpy as np
import pytest

from realtime.call.engines import EngineRequest
from realtime.call.timeline import RTP_RATE
from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE
from realtime.measure.bench_call import bench_call, following, slope
from realtime.measure.clicks import Marking, clicks, is_marked, onset, onset_s
from realtime.measure.udp_relay import UdpRelay, candidate
from tests.call.speakers import LoudMouth

SDP = "v=0\r\na=candidate:7 1 udp 99 127.0.0.1 {port} typ host\r\na=end-of-candidates\r\n"


def test_clicks_begin_where_they_say_and_can_be_found() -> None:
    for index in range(20):
        first = round((onset_s(index) - 0.1) * RTP_RATE)
        place = onset(clicks(first, RTP_RATE // 5))
        assert place is not None
        assert (first + place) / RTP_RATE == pytest.approx(onset_s(index), abs=0.001)
    assert onset(clicks(0, RTP_RATE // 2)) is None


def test_only_frames_whose_own_sound_is_loud_are_marked() -> None:
    marking = Marking(lambda request: LoudMouth(request.lookahead_ms), lambda: 5.0)
    engine = marking(EngineRequest("grey", 40))
    block = clicks(round(SAMPLE_RATE * (onset_s(0) - 0.01)), FRAME_SAMPLES, SAMPLE_RATE)
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    marks = [is_marked(engine.step(sound).image) for sound in (silence, block, silence, silence)]
    assert marks == [False, False, True, False]
    np.testing.assert_allclose(engine.steps, [(5.0, 5.0, 0.01)], atol=0.001)


def test_each_click_is_matched_with_what_follows_it() -> None:
    sent = np.array([1.0, 1.5, 2.0])
    found = following(sent, [1.1, 2.2])
    np.testing.assert_allclose(found, [1.1, np.nan, 2.2])
    assert slope(sent, (found - sent) * 1000) == pytest.approx(6000)


class _Peer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.news = asyncio.Event()

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        self.got.append(data)
        self.news.set()


def test_the_relay_passes_packets_both_ways_and_loses_its_share() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        relay = UdpRelay(seed=1)
        peers = [
            await loop.create_datagram_endpoint(_Peer, local_addr=("127.0.0.1", 0))
            for _ in range(2)
        ]
        sdps = [SDP.format(port=each.get_extra_info("sockname")[1]) for each, _ in peers]
        to_first = candidate(await relay.offer(sdps[0]))
        to_second = candidate(await relay.answer(sdps[1]))
        async with asyncio.timeout(20):
            for (transport, _), to, (_, other) in zip(
                peers, (to_second, to_first), reversed(peers), strict=True
            ):
                transport.sendto(b"hello", to)
                await other.news.wait()
                assert other.got == [b"hello"]
        relay.loss = 0.25
        assert sum(relay.passes() for _ in range(4000)) == pytest.approx(3000, abs=100)
        relay.close()
        for transport, _ in peers:
            transport.close()

    asyncio.run(work())


def test_a_short_call_is_measured() -> None:
    figures = bench_call(
        lambda request: LoudMouth(request.lookahead_ms, request.size),
        seconds=5,
        lookahead_ms=0,
    )
    for key in ("mic_to_pixel_p50_ms", "mic_to_pixel_p95_ms", "skew_p05_ms", "skew_p95_ms"):
        assert isinstance(figures[key], float), key
    assert isinstance(figures["clicks"], int)
    assert figures["clicks"] >= 8
