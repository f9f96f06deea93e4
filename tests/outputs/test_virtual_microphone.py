from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from realtime.audio.portaudio import PortAudio
from realtime.clock import FRAME_SAMPLES
from realtime.errors import OutputError
from realtime.outputs.playout import MARGIN_SAMPLES
from realtime.outputs.pulse import SINK, SOURCE, PulseSource, pactl
from realtime.outputs.virtual_microphone import LoopbackVoice, PulseVoice, open_voice
from tests.audio.sound_cards import FakeSoundDevice
from tests.outputs.sound_server import needs_pulse, sound_server

PATIENCE_S = 30.0


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    fake = FakeSoundDevice(["laptop", "out speakers", "out BlackHole 2ch"])
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_a_loopback_device_hears_the_frame_when_it_was_said_to(library: FakeSoundDevice) -> None:
    with open_voice(PortAudio(), print, "darwin") as voice:
        stream = library.streams[0]
        assert stream.options["device"] == 2
        stream.take(160, ahead_s=0.02)
        voice.playout.write(np.full(FRAME_SAMPLES, 9, np.int16), 0.0)
        heard = stream.take(MARGIN_SAMPLES + 2, ahead_s=0.02)
    assert heard.tolist() == [0] * MARGIN_SAMPLES + [9, 9]
    assert stream.closed


def test_a_loopback_device_that_went_quiet_is_reopened(library: FakeSoundDevice) -> None:
    now = [0.0]
    voice = LoopbackVoice(PortAudio(), "BlackHole", "install", lambda: now[0])
    now[0] = 0.4
    voice.look_after()
    assert len(library.streams) == 1
    now[0] = 0.6
    voice.look_after()
    assert [stream.closed for stream in library.streams] == [True, False]


@pytest.mark.parametrize(
    ("platform", "words"), [("darwin", "brew install blackhole-2ch"), ("win32", "VB-CABLE")]
)
def test_without_a_loopback_device_it_says_what_to_install(
    library: FakeSoundDevice, platform: str, words: str
) -> None:
    library.names.pop()
    with pytest.raises(OutputError, match=words):
        open_voice(PortAudio(), print, platform)


def modules() -> list[str]:
    lines = pactl("list", "short", "modules").splitlines()
    return [line for line in lines if SINK in line or SOURCE in line]


@pytest.mark.pulse
@needs_pulse
def test_the_microphone_is_there_while_we_are_and_leftovers_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sound_server(monkeypatch):
        left_behind = PulseSource()
        left_behind.__enter__()
        with PulseSource():
            assert len(modules()) == 2
            assert SOURCE in pactl("list", "short", "sources")
        assert modules() == []


@pytest.mark.pulse
@needs_pulse
def test_a_sound_server_that_is_restarted_gets_the_microphone_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, lost, back = list[str](), threading.Event(), threading.Event()

    def report(message: str) -> None:
        told.append(message)
        (back if "is back" in message else lost).set()

    with sound_server(monkeypatch) as server, PulseVoice(report):
        server.stop()
        assert lost.wait(PATIENCE_S)
        server.start()
        assert back.wait(PATIENCE_S)
        assert len(modules()) == 2
    assert len(told) == 2


@needs_pulse
def test_without_a_sound_server_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    with pytest.raises(OutputError, match="Connection"):
        PulseSource().__enter__()


def test_without_pactl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OutputError, match="sudo apt install pulseaudio-utils"):
        pactl("info")
