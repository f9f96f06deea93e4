"""The call as people make it: Chromium, a page, a button, a voice from a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

import realtime
from realtime.audio.sources import read_sound
from realtime.avatar_file import Avatar
from realtime.call.limits import Limits
from realtime.call.serve import ServeOptions, application
from realtime.commands.call import make_engines
from realtime.commands.common import ASSETS, load_networks
from realtime.enroll.fitting import FittingRoom
from realtime.gallery import AvatarGallery
from realtime.measure.background import served
from realtime.measure.browser import Browser, is_installed
from realtime.models.face_parser import load_parser
from tests.call.speakers import Drawn, make_loud_mouth

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not is_installed(), reason="chromium and chromium-driver are missing"),
]

SPEECH = Path(realtime.__file__).parent / "assets" / "speech.opus"
PATIENCE_S = 60
# Another program's burst may spoil one look, not three.
WATCHED_S, WATCHES = 20, 3
LEAST_FPS = 24.5

# Looks at the mouth of every picture and listens, for so many seconds: {mouths, levels, fps}.
WATCH = """
const [seconds, x, y, width, height] = arguments;
const video = document.getElementById("portrait");
const context = new AudioContext();
const analyser = new AnalyserNode(context, { fftSize: 2048 });
context.createMediaStreamSource(video.srcObject).connect(analyser);
const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
const samples = new Float32Array(analyser.fftSize);
const mouths = [];
const levels = [];
const decoded = () => video.getVideoPlaybackQuality().totalVideoFrames;
const before = decoded();
const began = performance.now();
return new Promise((done) => {
  const look = () => {
    const scale = video.videoWidth / 512;
    pen.drawImage(video, x * scale, y * scale, width * scale, height * scale, 0, 0, width, height);
    const pixels = pen.getImageData(0, 0, width, height).data;
    let sum = 0;
    for (let index = 0; index < pixels.length; index += 4) sum += pixels[index + 1];
    mouths.push(sum / (width * height));
    analyser.getFloatTimeDomainData(samples);
    levels.push(Math.hypot(...samples) / Math.sqrt(samples.length));
    const passed = (performance.now() - began) / 1000;
    if (passed < seconds) video.requestVideoFrameCallback(look);
    else done({ mouths, levels, fps: (decoded() - before) / passed });
  };
  video.requestVideoFrameCallback(look);
});
"""
CONNECTED = "document.getElementById('start').textContent === 'Hang up'"
MUTED = "document.getElementById('mute').getAttribute('aria-pressed') === 'true'"
READY = "!document.getElementById('start').disabled"
TROUBLE = "return document.getElementById('trouble').textContent"


# The mean colour of a part of the picture.
MEAN = """
const [x, y, width, height] = arguments;
const video = document.getElementById("portrait");
const scale = video.videoWidth / 512;
const pen = new OffscreenCanvas(1, 1).getContext("2d");
pen.drawImage(video, x * scale, y * scale, width * scale, height * scale, 0, 0, 1, 1);
return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
"""


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


def mouth_box(avatar: Avatar) -> list[int]:
    """Left, top, width and height of the middle of the lips in a picture 512 wide."""
    lips = avatar.points[[61, 291, 13, 14], :2] * (512 / avatar.picture.shape[1])
    (x, y), width = lips.mean(0), np.ptp(lips[:, 0])
    return [round(float(each)) for each in (x - width / 4, y - width / 6, width / 2, width / 3)]


def smooth(values: list[float]) -> NDArray[np.float64]:
    return np.convolve(values, np.ones(5) / 5, "valid")


@pytest.mark.usefixtures("keeps_pace")
def test_the_shipped_portrait_speaks(browser: Browser) -> None:
    """The engine as shipped, 512x512: every picture comes, and the mouth moves with the voice."""
    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    mouth = mouth_box(gallery.load("ava"))
    app = application(ServeOptions(), make_engines(networks, gallery), gallery)
    with served(app) as address:
        call(browser, address)
        for _ in range(WATCHES):
            seen = browser.run(WATCH, WATCHED_S, *mouth)
            if seen["fps"] >= LEAST_FPS:
                break
        delay = browser.run("return document.getElementById('delay').textContent")
        browser.click("#start")
        browser.wait(READY, PATIENCE_S)
    opening = -np.corrcoef(smooth(seen["mouths"]), smooth(seen["levels"]))[0, 1]
    assert seen["fps"] >= LEAST_FPS
    assert max(seen["levels"]) > 0.02
    assert opening > 0.2, "between the lips it is darker while the voice is loud"
    assert delay.endswith("ms")
    assert browser.complaints() == []


def test_the_look_is_changed_while_the_portrait_talks(browser: Browser) -> None:
    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    mouth, corner = mouth_box(gallery.load("ava")), [8, 8, 16, 16]

    def until_shown(box: list[int], is_so: Callable[[NDArray[np.float64]], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not is_so(np.array(browser.run(MEAN, *box))):
            assert time.monotonic() < end

    fitting = FittingRoom(gallery, load_parser())
    app = application(ServeOptions(), make_engines(networks, gallery), gallery, fitting=fitting)
    with served(app) as address:
        call(browser, address)
        own = np.array(browser.run(MEAN, *mouth))
        browser.wait("document.querySelector('img[data-path=\"lips/red\"]')?.complete", PATIENCE_S)
        browser.click('img[data-path="lips/red"]')
        until_shown(mouth, lambda colour: bool((colour - own)[1] < -20))
        browser.click('#background [value="colour"]')
        until_shown(corner, lambda colour: bool(colour[2] > colour[0] + 50))
        assert browser.run(TROUBLE) == ""
        browser.click("#start")
        browser.wait(READY, PATIENCE_S)
    assert browser.complaints() == []


def test_a_call_that_broke_is_begun_again_by_the_page_muted_if_it_was(browser: Browser) -> None:
    application_ = partial(application, ServeOptions(), make_loud_mouth, Drawn())
    with served(application_()) as address:
        call(browser, address)
        browser.click("#mute")
        browser.wait(MUTED, PATIENCE_S)
    browser.wait("document.getElementById('status').textContent.includes('Calling again')", 20)
    with served(application_(), int(urlsplit(address).port or 0)):
        browser.wait(CONNECTED, PATIENCE_S)
        browser.wait(MUTED, PATIENCE_S)
        browser.wait("document.getElementById('portrait').videoWidth > 0", PATIENCE_S)
        assert browser.run(TROUBLE) == ""
        browser.click("#start")
        browser.wait(READY, PATIENCE_S)
    refused = [each for each in browser.complaints() if "ERR_CONNECTION_REFUSED" not in each]
    assert refused == []


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
    browser.wait(MUTED, PATIENCE_S)
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
