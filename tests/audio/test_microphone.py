from __future__ import annotations

import sys

import numpy as np
import pytest

from realtime.audio.microphone import Microphone
from realtime.audio.portaudio import PortAudio
from realtime.clock import SAMPLE_RATE
from realtime.errors import InputError
from tests.audio.sound_cards import FakeSoundDevice


class Now:
    """A clock that goes when it is told to."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    fake = FakeSoundDevice(["laptop", "out speakers", "USB headset"])
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.mark.parametrize(("wanted", "number"), [(None, 0), ("2", 2), ("headset", 2), ("LAPTOP", 0)])
def test_a_device_is_found_by_number_or_name(
    library: FakeSoundDevice, wanted: str | None, number: int
) -> None:
    with Microphone(PortAudio(), wanted):
        assert library.streams[-1].options["device"] == number
    assert library.streams[-1].closed


@pytest.mark.parametrize("wanted", ["1", "speakers", "3"])
def test_what_is_no_microphone_is_refused_with_a_list(
    library: FakeSoundDevice, wanted: str
) -> None:
    del library
    with pytest.raises(InputError, match=r"found: 0 laptop, 2 USB headset$"):
        Microphone(PortAudio(), wanted).__enter__()


def test_samples_come_as_they_were_given(library: FakeSoundDevice) -> None:
    with Microphone(PortAudio(), None) as microphone:
        stream = library.streams[0]
        stream.give(np.arange(160, dtype=np.int16))
        stream.give(np.arange(160, 320, dtype=np.int16))
        assert microphone.read(0.0).tolist() == list(range(320))
        assert microphone.overflows == 0


def test_lost_samples_are_counted(library: FakeSoundDevice) -> None:
    with Microphone(PortAudio(), None) as microphone:
        library.streams[0].give(np.zeros(160, np.int16), xrun=True)
        assert microphone.overflows == 1
        library.streams[0].give(np.zeros(SAMPLE_RATE * 2, np.int16))
        microphone.read(0.0)
        assert microphone.overflows == 2


def test_a_card_that_knows_no_16_khz_is_resampled(library: FakeSoundDevice) -> None:
    library.refused_rates = (SAMPLE_RATE,)
    with Microphone(PortAudio(), None) as microphone:
        assert library.streams[0].options["samplerate"] == 48000
        tone = np.sin(2 * np.pi * 440 * np.arange(24000) / 48000) * 8000
        library.streams[0].give(tone.astype(np.int16))
        heard = microphone.read(0.0)
    assert len(heard) == pytest.approx(8000, abs=40)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(heard) == pytest.approx(440, abs=2)


def test_an_unplugged_microphone_is_reopened_when_it_is_back(library: FakeSoundDevice) -> None:
    now = Now()
    microphone = Microphone(PortAudio(), "headset", now)
    now.seconds = 0.6
    assert microphone.lost
    library.streams[-1].give(np.zeros(160, np.int16))
    microphone.look_after()
    assert not microphone.lost

    unplugged = library.names.pop()
    for second in range(2, 7):
        now.seconds = float(second)
        microphone.look_after()
    assert microphone.lost
    assert len(library.streams) == 1
    assert library.streams[0].closed

    library.names.insert(0, unplugged)
    now.seconds = 7.0
    microphone.look_after()
    library.streams[-1].give(np.ones(160, np.int16))
    assert library.streams[-1].options["device"] == 0
    assert not microphone.lost
    assert microphone.read(0.0).tolist()[-160:] == [1] * 160


def test_a_microphone_that_has_become_our_own_is_lost_until_it_is_another(
    library: FakeSoundDevice,
) -> None:
    now, own = Now(), [False, True, False]
    microphone = Microphone(PortAudio(), None, now, lambda: own.pop(0))
    for second, heard in enumerate([160, 0, 160]):
        now.seconds = second * 1.1
        microphone.look_after()
        library.streams[-1].give(np.ones(160, np.int16))
        assert len(microphone.read(0.0)) == heard
        now.seconds += 0.6
        assert microphone.lost
    assert len(library.streams) == 3


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match=r'pip install "segtalker-live\[webcam\]"'):
        PortAudio()
