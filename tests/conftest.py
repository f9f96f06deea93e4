"""What tests anywhere may ask for."""

from __future__ import annotations

import time
from itertools import islice
from statistics import median

import pytest

from realtime.audio.sources import read_sound
from realtime.clock import FRAME_MS
from realtime.commands.common import ASSETS, fastest_backend, load_networks
from realtime.engine import Engine
from realtime.gallery import AvatarGallery
from realtime.outputs.playback import blocks_of

# Of a frame's 40 ms: as much again is for everybody else in a call.
_MOST = 0.5
_STEPS = 50


@pytest.fixture(scope="session")
def keeps_pace() -> None:
    """Skips what watches the shipped engine in real time where this machine is too slow for it."""
    networks = load_networks()
    engine = Engine(networks, AvatarGallery(ASSETS).load("ava"), backend=fastest_backend(networks))
    times = []
    for block in islice(blocks_of([read_sound(ASSETS / "speech.opus")]), _STEPS):
        began = time.perf_counter()
        engine.step(block)
        times.append(1000 * (time.perf_counter() - began))
    if (step := median(times)) > _MOST * FRAME_MS:
        pytest.skip(f"a step takes {step:.0f} ms here, of the {FRAME_MS} ms that a frame lasts")
