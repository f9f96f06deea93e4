"""`bench call`: how late the picture is, and how far the sound is from it, by content.

Two peers in one process, or a real Chromium: clicks go in as microphone, come back as sound and as
a mark in the picture. Skew is positive where the sound is early.
"""

from __future__ import annotations

import asyncio
import time

import numpy as np
from aiortc import RTCConfiguration, RTCSessionDescription
from numpy.typing import NDArray

from realtime.call import bitrate
from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.limits import Limits
from realtime.call.meters import Metrics, median_ms
from realtime.call.session import House, Session
from realtime.call.sessions import Sessions
from realtime.clock import FRAME_RATE
from realtime.errors import OutputError
from realtime.measure.call_in_browser import clicks_in_browser
from realtime.measure.call_peer import Peer
from realtime.measure.clicks import Marking, onset_s
from realtime.measure.udp_relay import UdpRelay

Figures = dict[str, object]
Times = NDArray[np.float64]

_CONNECT_S = 20
# Connecting, the first picture and the first estimates of encoding are not measured.
_SETTLE_S = 2.0
# A click comes back within this time or is lost.
_LATEST_S = 0.45
_HALF_FRAME_S = 0.5 / FRAME_RATE


def bench_call(
    make_engine: MakeEngine,
    *,
    seconds: float = 20.0,
    browser: bool = False,
    loss: float = 0.0,
    lookahead_ms: int = 80,
    avatar: str = "ava",
) -> Figures:
    """Calls for so long and measures; times are ms, `loss` is the share of packets dropped.

    Raises OutputError if no connection comes about or no click comes back.
    """
    request = EngineRequest(avatar, lookahead_ms)
    marking = Marking(make_engine, time.monotonic)
    bitrate.apply(bitrate.Bitrates())
    if browser:
        return _in_browser(marking, request, seconds)
    return asyncio.run(_between_peers(marking, request, seconds, loss))


def _in_browser(marking: Marking, request: EngineRequest, seconds: float) -> Figures:
    """Here the skew is that of whole pictures: a click begins up to 40 ms after its picture."""
    found = clicks_in_browser(marking, request, seconds + _SETTLE_S)
    sent = np.array([at for at in found["sent"] if at > found["sent"][0] + _SETTLE_S])
    seen, heard = following(sent, found["seen"]), following(sent, found["heard"])
    delay = (seen - sent) * 1000
    return {
        **summary(delay, (seen + _HALF_FRAME_S - heard) * 1000),
        "lookahead_ms": float(request.lookahead_ms),
        "fps": round(found["frames"] / (seconds + _SETTLE_S), 2),
        "dropped": found["dropped"],
        "clicks": len(sent),
        "clicks_lost": int(np.isnan(delay).sum()),
        "delay_slope_ms_per_min": slope(sent, delay),
        "browser": True,
    }


async def _between_peers(
    marking: Marking, request: EngineRequest, seconds: float, loss: float
) -> Figures:
    house = House(marking, Limits(), time.monotonic, RTCConfiguration(iceServers=[]))
    sessions = Sessions(house, Metrics())
    peer, relay = Peer(time.monotonic), UdpRelay()
    try:
        offer = await relay.offer(await peer.offer())
        call, answer = await sessions.open(request, offer)
        description = RTCSessionDescription(await relay.answer(answer), "answer")
        await peer.connection.setRemoteDescription(description)
        await _until_seen(peer)
        relay.loss = loss
        await asyncio.sleep(_SETTLE_S + seconds)
        return _figures(peer, sessions.find(call), marking, request, seconds)
    finally:
        await sessions.close()
        await peer.close()
        relay.close()


async def _until_seen(peer: Peer) -> None:
    """Waits for the first picture."""
    end = time.monotonic() + _CONNECT_S
    while not peer.pictures:
        if time.monotonic() > end:
            raise OutputError("expected a picture within 20 s, found none")
        await asyncio.sleep(0.05)


def _figures(
    peer: Peer, session: Session, marking: Marking, request: EngineRequest, seconds: float
) -> Figures:
    assert marking.engine is not None
    began = peer.voice.began or 0.0
    since = time.monotonic() - seconds
    sent = began + np.array([onset_s(index) for index in range(int(2 * seconds) + 60)])
    sent = sent[(sent > since) & (sent < time.monotonic() - _LATEST_S)]
    steps = np.array(marking.engine.steps).reshape(-1, 3)
    seen, heard = following(sent, peer.seen), following(sent, peer.heard)
    stepped = following(sent, list(steps[:, 0]))
    places = np.full(len(sent), np.nan)
    found = ~np.isnan(stepped)
    places[found] = steps[np.searchsorted(steps[:, 0], stepped[found]), 2]
    delay = (seen - sent) * 1000
    skew = (seen + places - heard) * 1000
    encode = session.pipeline.statistics()["encode_ms"]
    packets = 20 - ((sent - began) * 1000) % 20
    terms = {
        "opus_framing_ms": float(np.mean(packets)),
        "lookahead_ms": float(request.lookahead_ms),
        "step_ms": median_ms(session.pipeline.meters.step),
        "encode_ms": encode,
    }
    waited = float(np.nanmedian((stepped - sent) * 1000))
    terms["fill_and_receive_ms"] = waited - terms["opus_framing_ms"] - terms["lookahead_ms"]
    terms["receiver_ms"] = float(np.nanmedian(delay)) - waited - terms["step_ms"] - encode
    pictures = np.array(peer.pictures)
    return {
        **summary(delay, skew),
        **{name: round(value, 1) for name, value in terms.items()},
        "fps": round(float((pictures > since).sum()) / seconds, 2),
        "dropped": int(session.pipeline.statistics()["dropped"]),
        "clicks": len(sent),
        "clicks_lost": int(np.isnan(delay).sum()),
        "delay_slope_ms_per_min": slope(sent, delay),
        "browser": False,
    }


def following(sent: Times, times: list[float]) -> Times:
    """For each of the times sent, the first of `times` within 450 ms after it, or NaN."""
    found = np.full(len(sent), np.nan)
    came = np.array(times)
    for index, at in enumerate(sent):
        after = came[(came > at) & (came < at + _LATEST_S)]
        if len(after):
            found[index] = after[0]
    return found


def slope(sent: Times, delay: Times) -> float:
    """How much the delay, ms, grows a minute, by least squares; 0 for fewer than two clicks."""
    known = ~np.isnan(delay)
    if known.sum() < 2:
        return 0.0
    return round(float(np.polyfit(sent[known] - sent[0], delay[known], 1)[0]) * 60, 2)


def summary(delay: Times, skew: Times) -> dict[str, float]:
    """Percentiles of delay and skew, ms; raises OutputError where there is nothing to sum up."""
    if np.isnan(delay).all() or np.isnan(skew).all():
        raise OutputError("expected clicks to come back as picture and sound, found none")
    return {
        "mic_to_pixel_p50_ms": round(float(np.nanpercentile(delay, 50)), 1),
        "mic_to_pixel_p95_ms": round(float(np.nanpercentile(delay, 95)), 1),
        "skew_p05_ms": round(float(np.nanpercentile(skew, 5)), 1),
        "skew_p95_ms": round(float(np.nanpercentile(skew, 95)), 1),
    }
