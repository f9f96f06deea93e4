"""Which part of the engine's step takes how much of it, seen from outside by Python's profiler."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from cProfile import Profile
from types import CodeType

from realtime.audio.mel import LogMel
from realtime.clock import Sound
from realtime.compositor import Compositor
from realtime.engine import Engine
from realtime.models.audio_encoder import AudioEncoder
from realtime.models.lip_code import LipDecoder
from realtime.models.renderer import render
from realtime.models.tsg import RestingMask
from realtime.mouth_plate import MouthPlate

# Functions of which none calls another of these.
_PARTS: dict[str, tuple[CodeType, ...]] = {
    "encoder": (LogMel.push.__code__, AudioEncoder.forward.__code__),
    "tsg": (LipDecoder.forward.__code__, LipDecoder.landmarks.__code__, RestingMask.moved.__code__),
    "generator": (MouthPlate.compose.__code__, render.__code__),
    "compositor": (Compositor.compose.__code__,),
}


def step_parts(
    engine: Engine, blocks: Iterable[Sound], now: Callable[[], float]
) -> dict[str, float]:
    """Share of the step's time in each part, and in the `rest`: keys PART_share, in sum 1.

    `now` is a monotonic clock in seconds.
    """
    profile = Profile(now)
    for block in blocks:
        profile.runcall(engine.step, block)
    seconds = {entry.code: entry.totaltime for entry in profile.getstats()}
    whole = seconds[Engine.step.__code__]
    shares = {
        name: sum(seconds.get(code, 0.0) for code in part) / whole for name, part in _PARTS.items()
    }
    shares["rest"] = 1 - sum(shares.values())
    return {f"{name}_share": share for name, share in shares.items()}
