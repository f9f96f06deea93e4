from __future__ import annotations

import asyncio
from array import array
from pathlib import Path

import numpy as np
import pytest

from realtime.call.engines import EngineRequest
from realtime.call.timeline import RTP_RATE
from realtime.clock import FRAME_SAMPLES, SAMPLE_RATE
from realtime.frame import Steps
from realtime.measure.bench_call import (
    Clicks,
    Line,
    Phases,
    bench_call,
    following,
    match,
    onsets,
    seen_at,
    slope_per_minute,
    terms,
)
from realtime.measure.call_plot import plot
from realtime.measure.caller import Record
from realtime.measure.clicks import Stamped, Stamping, clicks, hum, loud, onset_s, read_stamp
from realtime.measure.clicks import stamped as stamp
from realtime.measure.udp_relay import UdpRelay
from tests.call.speakers import LoudMouth

SDP = "v=0\r\na=candidate:7 1 udp 99 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"


def test_clicks_begin_where_they_say_and_can_be_found() -> None:
    for index in range(20):
        first = round((onset_s(index) - 0.1) * RTP_RATE)
        found = loud(clicks(first, RTP_RATE // 5))
        assert found is not None
        assert (first + found[0]) / RTP_RATE == pytest.approx(onset_s(index), abs=0.001)
    assert loud(clicks(0, RTP_RATE // 2)) is None
    assert loud(hum(0, RTP_RATE // 50)) is not None


@pytest.mark.parametrize("number", [0, 1, 1365, 4095, 4096 + 77])
def test_a_picture_carries_its_number_and_keeps_the_rest(number: int) -> None:
    image = np.full((256, 256, 3), 90, np.uint8)
    made = stamp(image, number)
    assert read_stamp(made[..., 0]) == number % 4096
    np.testing.assert_array_equal(made[16:], image[16:])


def any_mouth(request: EngineRequest, before: Steps | None = None) -> LoudMouth:
    """An engine for every name."""
    del before
    return LoudMouth(request.lookahead_ms, request.size)


def test_steps_are_remembered_and_clicks_found_in_their_own_sound() -> None:
    stamping = Stamping(any_mouth, lambda: 5.0)
    engine = stamping(EngineRequest("grey", 40))
    block = clicks(round(SAMPLE_RATE * (onset_s(0) - 0.01)), FRAME_SAMPLES, SAMPLE_RATE)
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    images = [engine.step(sound).image for sound in (silence, block, silence, silence)]
    assert [read_stamp(image[..., 0]) for image in images] == [0, 1, 2, 3]
    np.testing.assert_allclose(engine.place, [np.nan, np.nan, 0.01, np.nan], atol=0.001)
    engine.reset()
    assert engine.rests == [4]


def test_a_click_is_matched_with_its_frame_its_picture_and_its_sound() -> None:
    engine = Stamped(LoudMouth(), lambda: 0.0)
    engine.began, engine.ended = array("d", [1.0, 1.1, 1.6]), array("d", [1.02, 1.12, 1.62])
    engine.place = array("d", [np.nan, 0.01, 0.03])
    record = Record(
        sent=array("d", [0.2, 1.05, 1.55, 1.9]),
        pictures=array("d", [1.03, 1.13, 1.70]),
        numbers=array("d", [0, 1, 3]),
        loud_from=array("d", [1.16, 1.18, 1.71]),
        loud_to=array("d", [1.17, 1.20, 1.73]),
    )
    found = match(record, engine, Phases(began=1.0, ended=2.2))
    np.testing.assert_allclose(found.sent, [1.05, 1.55])
    np.testing.assert_allclose(found.delay_ms, [80, 150])
    np.testing.assert_allclose(found.skew_ms, [-20, 20], atol=1e-6)
    summed = terms(found, 5.0, 0)
    parts = [value for name, value in summed.items() if name != "sum_ms"]
    assert sum(parts) == pytest.approx(float(summed["sum_ms"]), abs=0.3)


def test_each_time_is_matched_with_what_follows_it_soon() -> None:
    sent = np.array([1.0, 1.5, 2.0])
    assert following(sent, np.array([1.1, 2.2]), 0.45).tolist() == [0, 2, 1]


def test_numbers_of_pictures_wrap_and_a_later_picture_counts() -> None:
    record = Record(pictures=array("d", [1, 2, 3]), numbers=array("d", [4094, 4095, 1]))
    np.testing.assert_allclose(seen_at(record, np.array([4095, 4096, 4098])), [2, 3, np.nan])


def test_sound_begins_after_a_silence_only() -> None:
    record = Record(loud_from=array("d", [1.0, 1.02, 1.5]), loud_to=array("d", [1.02, 1.04, 1.52]))
    np.testing.assert_allclose(onsets(record), [1.0, 1.5])


def test_a_delay_that_grows_has_a_slope_beyond_its_error() -> None:
    sent = np.arange(100.0)
    noise = np.random.default_rng(0).normal(size=100)
    slope, error = slope_per_minute(sent, 3 * sent / 60 + 0.5 * noise)
    assert slope == pytest.approx(3, abs=3 * error)
    assert 0 < error < 0.3


class _Peer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        self.got.append(data)


def test_the_relay_passes_packets_both_ways_and_loses_its_share() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        relay = await UdpRelay.opened(seed=1)
        (first, caller), (second, other) = [
            await loop.create_datagram_endpoint(_Peer, local_addr=("127.0.0.1", 0))
            for _ in range(2)
        ]
        ways = [
            (sdp.split()[5], int(sdp.split()[6])) for sdp in (relay.answer(SDP), relay.offer(SDP))
        ]
        async with asyncio.timeout(20):
            # Who has not yet spoken cannot be reached: what is sent before is dropped.
            while not (caller.got and other.got):
                first.sendto(b"from the first", ways[0])
                second.sendto(b"from the second", ways[1])
                await asyncio.sleep(0)
        assert set(caller.got) == {b"from the second"}
        assert set(other.got) == {b"from the first"}
        relay.loss = 0.25
        assert sum(relay.passes() for _ in range(4000)) == pytest.approx(3000, abs=100)
        relay.cut = True
        assert not any(relay.passes() for _ in range(100))
        await relay.close()
        for transport in (first, second):
            transport.close()

    asyncio.run(work())


def test_a_short_call_over_a_bad_line_is_measured_and_drawn(tmp_path: Path) -> None:
    result = bench_call(
        any_mouth,
        seconds=5,
        line=Line(loss=0.05, jitter_s=0.005),
        lookahead_ms=0,
    )
    for key in (
        "mic_to_pixel_p95_ms",
        "skew_p05_ms",
        "back_after_cut_ms",
        "interrupt_to_rest_ms",
        "interrupt_to_silence_ms",
    ):
        assert np.isfinite(result.figures[key]), key
    assert result.figures["clicks"] >= 8
    assert isinstance(result.clicks, Clicks)
    plot(result, tmp_path / "call.png")
    assert (tmp_path / "call.png").stat().st_size > 10_000
