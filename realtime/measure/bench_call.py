"""`bench call`: how late the picture is, and how far the sound is from it, by content.

Two peers in one process, or a real Chromium, over a relay that may lose packets: clicks go in as
microphone and come back as sound, and as the stamp of the picture that shows them. After the time
measured, the line is cut three times; then, whole again, the portrait is interrupted five times.
Skew is positive where the sound is early.
"""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from aioice.ice import get_host_addresses
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from realtime.call import bitrate
from realtime.call.engines import EngineRequest, MakeEngine
from realtime.call.serve import ServeOptions, application
from realtime.errors import OutputError
from realtime.measure.background import Background
from realtime.measure.call_in_browser import One, browser_calling
from realtime.measure.call_peer import peer_calling
from realtime.measure.caller import Caller, Record
from realtime.measure.clicks import NUMBERS, Stamped, Stamping
from realtime.measure.udp_relay import UdpRelay

Figures = dict[str, float | int | bool]
Times = NDArray[np.float64]

# Connecting, the first picture and the browser's first estimates are not measured.
_SETTLE_S = 3.0
# A click comes back within this time or is lost.
_LATEST_S = 0.45
# Sound that is loud after so long a silence is a new click.
_QUIET_S = 0.1
_PACKET_MS, _FRAME_MS = 20, 40
_CUTS, _CUT_S, _AFTER_CUT_S = 3, 0.3, 2.0
_INTERRUPTIONS, _SPEAK_S, _SILENT_S = 5, 0.6, 0.6


@dataclass(frozen=True)
class Line:
    """What the relay does to packets: share lost, and the most that one is late, s."""

    loss: float = 0.0
    jitter_s: float = 0.0


@dataclass
class Phases:
    """When what was done, s of time.monotonic(), and what /metrics and the kernel said."""

    began: float = 0.0
    ended: float = 0.0
    cuts_ended: list[float] = field(default_factory=list)
    interrupted: list[float] = field(default_factory=list)
    encode_ms: float = 0.0
    dropped: float = 0.0
    rss: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Clicks:
    """One row a click sent in the time measured: s of time.monotonic(), NaN where it was lost."""

    sent: Times
    seen: Times
    heard: Times
    # Its place in its frame, and its frame's step.
    place: Times
    stepped: Times
    made: Times

    @property
    def delay_ms(self) -> Times:
        """Sample into the sending track until its picture had been decoded."""
        return (self.seen - self.sent) * 1000

    @property
    def skew_ms(self) -> Times:
        """How much earlier the click was heard than seen."""
        return (self.seen + self.place - self.heard) * 1000


@dataclass(frozen=True)
class Result:
    """The figures, and the clicks that they sum up."""

    figures: Figures
    clicks: Clicks


def bench_call(
    make_engine: MakeEngine,
    *,
    seconds: float = 20.0,
    browser: bool = False,
    line: Line = Line(),
    lookahead_ms: int = 80,
    avatar: str = "ava",
) -> Result:
    """Calls for so long and measures; times are ms.

    Raises OutputError if no connection comes about or no click comes back.
    """
    request = EngineRequest(avatar, lookahead_ms)
    stamping = Stamping(make_engine, time.monotonic)
    bitrate.apply(bitrate.Bitrates())
    with Background() as background:
        relay = background.run(UdpRelay.opened(_own_address()))
        app = application(ServeOptions(), stamping, One(avatar))
        with (
            background.serving(app) as address,
            _calling(background, address, request, relay, browser) as caller,
        ):
            phases = _phases(caller, relay, line, address, seconds)
            record = caller.record()
        background.run(relay.close())
    assert stamping.engine is not None
    clicks = match(record, stamping.engine, phases)
    figures = {
        **_figures(clicks, record, phases, lookahead_ms),
        **_recoveries(record, stamping.engine, phases),
        "lookahead_ms": lookahead_ms,
        "loss": line.loss,
        "jitter_ms": line.jitter_s * 1000,
        "browser": browser,
    }
    return Result(figures, clicks)


def _own_address() -> str:
    """An address that all peers on this machine can reach; browsers do not use the loopback's."""
    return next(iter(get_host_addresses(use_ipv4=True, use_ipv6=False)), "127.0.0.1")


@contextmanager
def _calling(
    background: Background, address: str, request: EngineRequest, relay: UdpRelay, browser: bool
) -> Iterator[Caller]:
    if browser:
        with browser_calling(address, request, relay) as page:
            yield page
    else:
        query = f"avatar={request.avatar}&lookahead_ms={request.lookahead_ms}"
        with peer_calling(background, address, query, relay) as peer:
            yield peer


def _phases(caller: Caller, relay: UdpRelay, line: Line, address: str, seconds: float) -> Phases:
    phases = Phases()
    relay.loss, relay.jitter_s = line.loss, line.jitter_s
    time.sleep(_SETTLE_S)
    before = _metrics(address)
    phases.began = time.monotonic()
    while time.monotonic() < phases.began + seconds:
        time.sleep(min(1.0, max(phases.began + seconds - time.monotonic(), 0)))
        phases.rss.append(_rss_mb())
        caller.record()
    phases.ended = time.monotonic()
    after = _metrics(address)
    encoded = after["avatar_encode_seconds_count"] - before["avatar_encode_seconds_count"]
    spent = after["avatar_encode_seconds_sum"] - before["avatar_encode_seconds_sum"]
    phases.encode_ms = 1000 * spent / max(encoded, 1)
    phases.dropped = after["avatar_dropped_total"] - before["avatar_dropped_total"]
    time.sleep(_LATEST_S)
    for _ in range(_CUTS):
        relay.cut = True
        time.sleep(_CUT_S)
        relay.cut = False
        phases.cuts_ended.append(time.monotonic())
        time.sleep(_AFTER_CUT_S)
    relay.loss = relay.jitter_s = 0.0
    for _ in range(_INTERRUPTIONS):
        caller.hum(True)
        caller.say({"type": "mute", "on": False})
        time.sleep(_SPEAK_S)
        phases.interrupted.append(caller.say({"type": "interrupt"}))
        time.sleep(_SILENT_S)
    return phases


def _metrics(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{address}metrics", timeout=20) as response:
        families = text_string_to_metric_families(response.read().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def _rss_mb() -> float:
    """Resident memory of this process, MB; NaN where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
    except OSError:
        return float("nan")


def match(record: Record, engine: Stamped, phases: Phases) -> Clicks:
    """Each click of the time measured with the frame that shows it, and when both came back.

    Raises OutputError if none did.
    """
    sent = np.array(record.sent)
    sent = sent[(sent > phases.began) & (sent < phases.ended - _LATEST_S)]
    began, made, place = (np.array(each) for each in (engine.began, engine.ended, engine.place))
    frames = np.flatnonzero(~np.isnan(place))
    found = following(sent, began[frames], _LATEST_S)
    known = found < len(frames)
    number = np.where(known, frames[np.minimum(found, len(frames) - 1)], 0)
    heard = onsets(record)
    clicks = Clicks(
        sent=sent,
        seen=np.where(known, seen_at(record, number), np.nan),
        heard=_taken(heard, following(sent, heard, _LATEST_S)),
        place=np.where(known, place[number], np.nan),
        stepped=np.where(known, began[number], np.nan),
        made=np.where(known, made[number], np.nan),
    )
    if np.isnan(clicks.delay_ms).all() or np.isnan(clicks.skew_ms).all():
        raise OutputError("expected clicks to come back as picture and sound, found none")
    return clicks


def following(sent: Times, times: Times, within: float) -> NDArray[np.int_]:
    """For each of the times sent, which of the sorted `times` comes next, or their number."""
    found = np.searchsorted(times, sent)
    came = np.append(times, np.inf)[found]
    return np.where(came < sent + within, found, len(times))


def _taken(times: Times, places: NDArray[np.int_]) -> Times:
    """The times at these places; NaN behind the end."""
    return np.asarray(np.append(times, np.nan)[places])


def onsets(record: Record) -> Times:
    """When sound became loud after a silence, s."""
    begins, ends = np.array(record.loud_from), np.array(record.loud_to)
    new = np.append(True, begins[1:] - ends[:-1] > _QUIET_S)[: len(begins)]
    return np.asarray(begins[new])


def seen_at(record: Record, numbers: NDArray[np.int_]) -> Times:
    """When a picture of each number, or a later one, had been decoded; NaN if none was."""
    shown = np.maximum.accumulate(np.unwrap(np.array(record.numbers), period=NUMBERS))
    return _taken(np.array(record.pictures), np.searchsorted(shown, numbers))


def _figures(clicks: Clicks, record: Record, phases: Phases, lookahead_ms: int) -> Figures:
    delay, skew = clicks.delay_ms, clicks.skew_ms
    pictures = np.array(record.pictures)
    measured = (pictures > phases.began) & (pictures < phases.ended)
    slope, error = slope_per_minute(clicks.sent, delay)
    tenth = max(len(phases.rss) // 10, 1)
    first, last = np.median(phases.rss[:tenth]), np.median(phases.rss[-tenth:])
    return {
        **_percentiles("mic_to_pixel", delay, (50, 95)),
        **_percentiles("skew", skew, (5, 95)),
        **terms(clicks, phases.encode_ms, lookahead_ms),
        "fps": round(float(measured.sum()) / (phases.ended - phases.began), 2),
        "dropped": int(phases.dropped),
        "clicks": len(delay),
        "clicks_lost": int(np.isnan(delay).sum()),
        "delay_slope_ms_per_min": slope,
        "delay_slope_error": error,
        "rss_mb": round(float(last), 1),
        "rss_growth_percent": round(float(last / first - 1) * 100, 2),
    }


def terms(clicks: Clicks, encode_ms: float, lookahead_ms: int) -> Figures:
    """The mean delay as a sum: each term's mean, ms.

    A sample waits until its Opus packet is full, and its frame of two packets. `receive` is all
    until the step begins: encoding and decoding sound (Opus itself: 6.5 ms), the line, the buffer,
    and waiting for the step before. `receiver` is all between a picture's encoding and its being
    decoded.
    """
    place = clicks.place * 1000
    packet = _PACKET_MS - place % _PACKET_MS
    step = (clicks.made - clicks.stepped) * 1000
    fill = _FRAME_MS - place - packet
    receive = (clicks.stepped - clicks.sent) * 1000 - lookahead_ms - packet - fill
    receiver = (clicks.seen - clicks.made) * 1000 - encode_ms
    parts = {
        "opus_framing": packet,
        "frame_fill": fill,
        "receive": receive,
        "lookahead": np.full(len(place), float(lookahead_ms)),
        "step": step,
        "encode": np.full(len(place), encode_ms),
        "receiver": receiver,
    }
    whole = ~np.isnan(clicks.delay_ms)
    means = {f"sum_{name}_ms": round(float(part[whole].mean()), 1) for name, part in parts.items()}
    return {**means, "sum_ms": round(float(clicks.delay_ms[whole].mean()), 1)}


def _recoveries(record: Record, engine: Stamped, phases: Phases) -> Figures:
    """How long after a cut a picture made since is seen; after an interruption, a mouth at rest,
    and the last loud sample is heard. The worst of each, ms; NaN if never."""
    ends = np.array(phases.cuts_ended)
    since = np.searchsorted(np.array(engine.ended), ends)
    interrupted = np.array(phases.interrupted)
    rests = np.array(engine.rests[: len(interrupted)])
    loud = np.array(record.loud_to)
    last = [loud[(loud > at - _SPEAK_S / 2) & (loud < at + _SILENT_S)] for at in interrupted]
    silent = np.array([each.max() if len(each) else np.nan for each in last])
    return {
        "back_after_cut_ms": _worst(seen_at(record, since) - ends),
        "interrupt_to_rest_ms": _worst(seen_at(record, rests) - interrupted),
        "interrupt_to_silence_ms": _worst(silent - interrupted),
    }


def _worst(seconds: Times) -> float:
    return round(float(seconds.max()) * 1000, 1)


def slope_per_minute(sent: Times, delay: Times) -> tuple[float, float]:
    """How much the delay, ms, grows a minute by least squares, and the standard error of that.

    Nothing is known, and the error infinite, with fewer than three clicks.
    """
    known = ~np.isnan(delay)
    if known.sum() < 3:
        return 0.0, float("inf")
    minutes = (sent[known] - sent[0]) / 60
    (slope, _), covariance = np.polyfit(minutes, delay[known], 1, cov=True)
    return round(float(slope), 2), round(float(np.sqrt(covariance[0, 0])), 2)


def _percentiles(name: str, values: Times, percents: tuple[int, ...]) -> Figures:
    return {
        f"{name}_p{percent:02}_ms": round(float(np.nanpercentile(values, percent)), 1)
        for percent in percents
    }
