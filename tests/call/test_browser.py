"""The call as people make it: Chromium, a page, a button, a voice from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import realtime
from realtime.audio.sources import read_sound
from realtime.call.limits import Limits
from realtime.call.serve import ServeOptions, application
from realtime.measure.background import served
from realtime.measure.browser import Browser, is_installed
from tests.call.speakers import MOUTH, SHUT, Drawn, make_loud_mouth

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not is_installed(), reason="chromium and chromium-driver are missing"),
]

SPEECH = Path(realtime.__file__).parent / "assets" / "speech.opus"
PATIENCE_S = 60
WATCHED_S = 6
# The machine may be slow and shared; a call that stutters at half the rate is still a call.
LEAST_FPS = 8

# Looks at the mouth and listens for so many seconds: {mouths, level, fps}.
WATCH = """
const [seconds, x, y, width, height] = arguments;
const video = document.getElementById("portrait");
const context = new AudioContext();
const analyser = new AnalyserNode(context, { fftSize: 2048 });
context.createMediaStreamSource(video.srcObject).connect(analyser);
const canvas = new OffscreenCanvas(width, height);
const pen = canvas.getContext("2d", { willReadFrequently: true });
const samples = new Float32Array(analyser.fftSize);
const mouths = [];
let level = 0;
const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
const before = frames();
const began = performance.now();
return new Promise((done) => {
  const look = () => {
    const scale = video.videoWidth / 512;
    pen.drawImage(video, x * scale, y * scale, width * scale, height * scale, 0, 0, width, height);
    const pixels = pen.getImageData(0, 0, width, height).data;
    let sum = 0;
    for (let index = 0; index < pixels.length; index += 4) sum += pixels[index];
    mouths.push(sum / (width * height));
    analyser.getFloatTimeDomainData(samples);
    level = Math.max(level, ...samples.map(Math.abs));
    const passed = (performance.now() - began) / 1000;
    if (passed < seconds) setTimeout(look, 40);
    else done({ mouths, level, fps: (frames() - before) / passed });
  };
  look();
});
"""
CONNECTED = "document.getElementById('start').textContent === 'Hang up'"
READY = "!document.getElementById('start').disabled"
TROUBLE = "return document.getElementById('trouble').textContent"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(read_sound(SPEECH)) as browser:
        yield browser


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    options = ServeOptions(limits=Limits(sessions=2, offers_at_once=1000))
    with served(application(options, make_loud_mouth, Drawn())) as address:
        yield address


def call(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait(READY, PATIENCE_S)
    browser.click("#start")
    browser.wait(CONNECTED, PATIENCE_S)
    browser.wait("document.getElementById('portrait').videoWidth > 0", PATIENCE_S)


def test_the_portrait_speaks(browser: Browser, address: str) -> None:
    call(browser, address)
    rows, columns = MOUTH
    inside = (columns.start + 10, rows.start + 10, 60, 30)
    seen = browser.run(WATCH, WATCHED_S, *inside)
    assert seen["fps"] > LEAST_FPS
    assert seen["level"] > 0.02
    assert min(seen["mouths"]) < SHUT + 40
    assert np.ptp(seen["mouths"]) > 40
    assert browser.run("return document.getElementById('delay').textContent").endswith("ms")
    assert browser.complaints() == []


def test_a_second_tab_goes_on_when_the_first_is_closed_abruptly(
    browser: Browser, address: str
) -> None:
    first = browser.tab()
    call(browser, address)
    second = browser.new_tab()
    call(browser, address)
    browser.use_tab(first)
    spare = browser.new_tab()
    browser.use_tab(first)
    browser.close_tab()
    browser.use_tab(second)
    frames = "document.getElementById('portrait').getVideoPlaybackQuality().totalVideoFrames"
    now = browser.run(f"return {frames}")
    browser.wait(f"{frames} > {now + 10}", PATIENCE_S)
    assert browser.complaints() == []
    browser.click("#start")
    browser.use_tab(spare)


def test_interrupting_mutes_and_the_page_says_so(browser: Browser, address: str) -> None:
    call(browser, address)
    browser.click("#interrupt")
    browser.wait(
        "document.getElementById('mute').getAttribute('aria-pressed') === 'true'", PATIENCE_S
    )
    browser.click("#mute")
    browser.wait("document.getElementById('status').textContent === 'Connected. Speak.'", 10)
    browser.click("#start")
    browser.wait(READY, PATIENCE_S)
    assert browser.run(TROUBLE) == ""


def test_a_wrong_token_is_told_in_words(browser: Browser) -> None:
    options = ServeOptions(token="right")
    with served(application(options, make_loud_mouth, Drawn())) as address:
        browser.open(f"{address}#token=wrong")
        browser.wait("!document.getElementById('trouble').hidden", PATIENCE_S)
        assert "token" in browser.run(TROUBLE)
        browser.open("about:blank")
        call(browser, f"{address}#token=right")
        browser.open("about:blank")
