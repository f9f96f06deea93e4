"""A caller in a real Chromium: the page as it is, a microphone that clicks.

The clicks are made in the page, on the clock of its sound, and are found again there: in the sound
that is played by loudness, in the picture that is shown by its stamp.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Iterator

import numpy as np

from realtime.call.engines import EngineRequest
from realtime.clock import SAMPLE_RATE
from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.measure.browser import Browser
from realtime.measure.caller import Record
from realtime.measure.clicks import BITS, LENGTH_S, PERIOD_S, PITCH_HZ, SHIFT_S, SQUARE
from realtime.measure.udp_relay import UdpRelay

_PATIENCE_S = 60

# The page's microphone becomes clicks on the clock of an AudioContext, and its offer and the answer
# lead through the relay. All times are ms since the epoch.
_SETUP = """
const [period, shift, length, pitch, offered, answered] = arguments;
const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
const destination = context.createMediaStreamDestination();
const epoch = (ms) => performance.timeOrigin + ms;
const record = { sent: [], pictures: [], numbers: [], loud_from: [], loud_to: [] };
const gates = { clicks: new GainNode(context), hum: new GainNode(context, { gain: 0 }) };
for (const gate of Object.values(gates)) gate.connect(destination);
const tone = new OscillatorNode(context, { frequency: pitch });
tone.connect(new GainNode(context, { gain: 0.4 })).connect(gates.hum);
tone.start();
// The context's clock moves in steps and is ahead of what it says: the least offset is the best.
let offset = Infinity;
setInterval(() => {
  offset = Math.min(offset + 1e-3, performance.now() - 1000 * context.currentTime);
}, 5);
let next = 0;
setInterval(() => {
  while (next * period < context.currentTime + 1) {
    const at = 1 + next * period + (next * shift) % 0.04;
    const gain = new GainNode(context, { gain: 0.4 });
    const click = new OscillatorNode(context, { frequency: pitch });
    click.connect(gain).connect(gates.clicks);
    click.start(at);
    click.stop(at + length);
    record.sent.push(epoch(1000 * at + offset));
    next += 1;
  }
}, 200);
navigator.mediaDevices.getUserMedia = async () => destination.stream;
const lead = (sdp, line) => sdp.replace(/(a=candidate:[^\\r\\n]*\\r\\n)+/g, line);
const passed = window.fetch;
window.fetch = async (path, options) => {
  if (options?.method === "PATCH") return new Response(null, { status: 204 });
  if (options?.method !== "POST") return passed(path, options);
  const answer = await passed(path, { ...options, body: lead(options.body, offered) });
  return new Response(lead(await answer.text(), answered), answer);
};
const channels = [];
const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  channels.push(create.apply(this, given));
  return channels.at(-1);
};
window.bench = {
  context, record, epoch,
  offset: () => offset,
  hum: (on) => { gates.hum.gain.value = Number(on); gates.clicks.gain.value = Number(!on); },
  say: (message) => { channels.at(-1).send(message); return epoch(performance.now()); },
};
return context.resume();
"""

# Notes which picture is shown and when sound is loud.
_WATCH = """
const [bits, square] = arguments;
const { context, record, epoch, offset } = window.bench;
const video = document.getElementById("portrait");
const canvas = new OffscreenCanvas(bits * square, square);
const pen = canvas.getContext("2d", { willReadFrequently: true });
const look = () => {
  pen.drawImage(video, 0, 0);
  const row = pen.getImageData(0, square / 2, bits * square, 1).data;
  let number = 0;
  for (let bit = 0; bit < bits; bit += 1) number += (row[4 * (bit + 0.5) * square] > 128) << bit;
  record.pictures.push(epoch(performance.now()));
  record.numbers.push(number);
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
const listener = context.createScriptProcessor(256, 1, 1);
listener.onaudioprocess = (event) => {
  const samples = event.inputBuffer.getChannelData(0);
  const isLoud = (sample) => Math.abs(sample) > 0.1;
  const first = samples.findIndex(isLoud);
  if (first < 0) return;
  const began = event.playbackTime - samples.length / context.sampleRate;
  const at = (place) => epoch(1000 * (began + place / context.sampleRate) + offset());
  record.loud_from.push(at(first));
  record.loud_to.push(at(samples.findLastIndex(isLoud)));
};
context.createMediaStreamSource(video.srcObject).connect(listener);
listener.connect(context.destination);
"""

# What was noted since it was last asked for.
_TAKE = """
const { record } = window.bench;
return Object.fromEntries(Object.entries(record).map(([name, times]) => [name, times.splice(0)]));
"""


class One:
    """A gallery of the one avatar that is measured."""

    def __init__(self, name: str) -> None:
        self._name = name

    def names(self) -> list[str]:
        return [self._name]

    def picture(self, name: str) -> Picture:
        del name
        return np.full((64, 64, 3), 128, np.uint8)


class BrowserCaller:
    """A page in a call. What it notes is fetched by `record`."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._record = Record()
        # From the browser's ms since the epoch to s of our own monotonic clock.
        self._epoch = time.time() - time.monotonic()

    def record(self) -> Record:
        for name, found in self._browser.run(_TAKE).items():
            times: array[float] = getattr(self._record, name)
            scale, shift = (1.0, 0.0) if name == "numbers" else (1e-3, self._epoch)
            times.extend(scale * each - shift for each in found)
        return self._record

    def hum(self, on: bool) -> None:
        self._browser.run("window.bench.hum(arguments[0])", on)

    def say(self, message: dict[str, object]) -> float:
        script = "return window.bench.say(JSON.stringify(arguments[0]))"
        at: float = self._browser.run(script, message)
        return at * 1e-3 - self._epoch


@contextlib.contextmanager
def browser_calling(
    address: str, request: EngineRequest, relay: UdpRelay
) -> Iterator[BrowserCaller]:
    """Chromium in a call; raises OutputError if there is none, it cannot connect or complains."""
    silence = np.zeros(SAMPLE_RATE, np.int16)
    with Browser(silence) as browser:
        browser.open(address)
        browser.wait("!document.getElementById('start').disabled", _PATIENCE_S)
        browser.run(_SETUP, PERIOD_S, SHIFT_S, LENGTH_S, PITCH_HZ, *relay.candidates)
        browser.run(
            "document.getElementById('lookahead').value = arguments[0]", str(request.lookahead_ms)
        )
        browser.click("#start")
        browser.wait("document.getElementById('start').textContent === 'Hang up'", _PATIENCE_S)
        browser.wait("document.getElementById('portrait').videoWidth > 0", _PATIENCE_S)
        browser.run(_WATCH, BITS, SQUARE)
        yield BrowserCaller(browser)
        complaints = [each for each in browser.complaints() if "deprecat" not in each.lower()]
        if complaints:
            raise OutputError(f"expected a quiet console, found {complaints[0]}")
