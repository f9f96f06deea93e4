"""The whole chain through a real sound server: the voice comes as late as the picture."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.outputs.webcam import WebcamOptions
from tests.outputs.real_call import (
    Delays,
    RealCall,
    find_pulse,
    offset_samples,
    real_engine,
    speech,
)
from tests.outputs.sound_server import needs_pulse, sound_server

STEADY_S, CHANGE_S, LONG_S = 20.0, 10.0, 20.0
LIMIT_MS = 10.0


def beginning_and_end(call: RealCall) -> tuple[Delays, Delays]:
    """After 20 s, and after 60 s and two changes of the look."""
    call.listen()
    call.wait(STEADY_S)
    beginning = call.delays()
    for key in ("b", "a"):
        call.fingers.press(key)
        call.wait(CHANGE_S)
    call.wait(LONG_S)
    return beginning, call.delays()


@pytest.mark.pulse
@needs_pulse
@pytest.mark.usefixtures("keeps_pace")
def test_voice_is_as_late_as_the_picture_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, dress = real_engine()
    with sound_server(monkeypatch) as server:
        find_pulse()
        outcome = RealCall(engine, server, monkeypatch).run(
            beginning_and_end, WebcamOptions(80, microphone="pulse"), dress
        )
    beginning, end = outcome.given
    assert abs(beginning.difference_ms) < LIMIT_MS
    assert abs(end.difference_ms) < LIMIT_MS
    assert beginning.picture_ms > 80.0
    assert end.picture_ms < beginning.picture_ms + LIMIT_MS
    assert outcome.health.look == "max, blur background"
    assert outcome.health.overflows == 0
    assert not outcome.health.microphone_lost


def test_a_place_in_speech_is_found_though_it_was_resampled_and_softened() -> None:
    whole = speech()[: 15 * 16000]
    part = np.interp(np.arange(100_000, 164_000) + 0.3, np.arange(len(whole)), whole) * 0.7
    assert abs(offset_samples(whole, part.astype(np.int16)) - 100_000) <= 1
