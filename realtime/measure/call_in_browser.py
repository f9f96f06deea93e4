"""The call's delay and skew in a real Chromium: the page as it is, a microphone that clicks.

The clicks are made in the page, on the clock of its sound, and are found again there: in the sound
that is played by loudness, in the picture that is shown by its mark.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from aiohttp import web

from realtime.call.engines import EngineRequest
from realtime.call.serve import ServeOptions, application
from realtime.clock import SAMPLE_RATE
from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.measure.browser import Browser
from realtime.measure.clicks import LENGTH_S, MARK, PERIOD_S, SHIFT_S, Marking

_PATIENCE_S = 60

# The microphone of the page is replaced by clicks on the clock of an AudioContext.
_MICROPHONE = """
const [period, shift, length] = arguments;
const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
const destination = context.createMediaStreamDestination();
const sent = [];
let next = 0;
setInterval(() => {
  while (next * period < context.currentTime + 1) {
    const at = 1 + next * period + (next * shift) % 0.04;
    const gain = new GainNode(context, { gain: 0.4 });
    const tone = new OscillatorNode(context, { frequency: 1000 });
    tone.connect(gain).connect(destination);
    tone.start(at);
    tone.stop(at + length);
    sent.push(at);
    next += 1;
  }
}, 200);
navigator.mediaDevices.getUserMedia = async () => destination.stream;
window.bench = { context, sent };
return context.resume();
"""

# Notes when the mark is shown and when a click is played, s of the context's clock.
_WATCH = """
const [seconds, mark] = arguments;
const { context, sent } = window.bench;
const video = document.getElementById("portrait");
const offset = performance.now() / 1000 - context.currentTime;
const canvas = new OffscreenCanvas(1, 1);
const pen = canvas.getContext("2d", { willReadFrequently: true });
const seen = [];
const heard = [];
let marked = false;
let frames = 0;
const look = () => {
  frames += 1;
  const side = mark / 2 * video.videoWidth / 512;
  pen.drawImage(video, 0, 0, side, side, 0, 0, 1, 1);
  const white = pen.getImageData(0, 0, 1, 1).data[0] > 128;
  if (white && !marked) seen.push(performance.now() / 1000 - offset);
  marked = white;
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
const listener = context.createScriptProcessor(256, 1, 1);
let quiet = 0;
listener.onaudioprocess = (event) => {
  const samples = event.inputBuffer.getChannelData(0);
  const place = samples.findIndex((sample) => Math.abs(sample) > 0.1);
  const began = event.playbackTime - samples.length / context.sampleRate;
  if (place >= 0 && quiet > 20) heard.push(began + place / context.sampleRate);
  quiet = place < 0 ? quiet + 1 : 0;
};
context.createMediaStreamSource(video.srcObject).connect(listener);
listener.connect(context.destination);
const from = context.currentTime;
return new Promise((done) => setTimeout(() => {
  const to = context.currentTime;
  const dropped = video.getVideoPlaybackQuality().droppedVideoFrames;
  done({ sent: sent.filter((at) => at > from && at < to - 0.6), seen, heard, frames, dropped });
}, seconds * 1000));
"""


class _One:
    """A gallery of the one avatar that is measured."""

    def __init__(self, name: str) -> None:
        self._name = name

    def names(self) -> list[str]:
        return [self._name]

    def picture(self, name: str) -> Picture:
        del name
        return np.full((64, 64, 3), 128, np.uint8)


def clicks_in_browser(marking: Marking, request: EngineRequest, seconds: float) -> dict[str, Any]:
    """Calls from Chromium for so long: times `sent`, `seen`, `heard`, s; `frames`, `dropped`.

    Raises OutputError if there is no Chromium or no connection comes about.
    """
    app = application(ServeOptions(), marking, _One(request.avatar))
    silence = np.zeros(SAMPLE_RATE, np.int16)
    with served(app) as address, Browser(silence) as browser:
        browser.open(address)
        browser.wait("!document.getElementById('start').disabled", _PATIENCE_S)
        browser.run(_MICROPHONE, PERIOD_S, SHIFT_S, LENGTH_S)
        browser.run(
            "document.getElementById('lookahead').value = arguments[0]", str(request.lookahead_ms)
        )
        browser.click("#start")
        browser.wait("document.getElementById('start').textContent === 'Hang up'", _PATIENCE_S)
        browser.wait("document.getElementById('portrait').videoWidth > 0", _PATIENCE_S)
        found: dict[str, Any] = browser.run(_WATCH, seconds, MARK)
        if complaints := [each for each in browser.complaints() if "deprecat" not in each.lower()]:
            raise OutputError(f"expected a quiet console, found {complaints[0]}")
        return found


@contextlib.contextmanager
def served(app: web.Application, host: str = "127.0.0.1") -> Iterator[str]:
    """Runs a server on a free port, in a thread of its own: its address, ending in a slash."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
        await runner.setup()
        await web.TCPSite(runner, host, 0).start()
        return runner, runner.addresses[0][1]

    try:
        runner, port = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
        try:
            yield f"http://{host}:{port}/"
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
