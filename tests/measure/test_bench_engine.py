"""The engine's bench: multiply-adds are all counted, and the ratios follow the clock."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from realtime.clock import FRAME_SAMPLES, Sound
from realtime.engine import Engine
from realtime.measure.bench_engine import bench_engine, multiply_adds
from realtime.measure.bench_kernels import layer_shapes
from realtime.measure.step_parts import step_parts
from realtime.models.renderer import Backend
from realtime.outputs.video_file import VideoFile
from tests.avatars import drawn_avatar, untrained_networks
from tests.engines import EchoEngine


def loud(frames: int) -> list[Sound]:
    rng = np.random.default_rng(0)
    return np.split((4000 * rng.standard_normal(frames * FRAME_SAMPLES)).astype(np.int16), frames)


def test_multiply_adds_are_the_layers_and_little_more() -> None:
    backend = Backend("torch", torch.float64)
    engine = Engine(untrained_networks(), drawn_avatar(), lookahead_ms=0, backend=backend)
    layers = sum(shape.multiply_adds for shape in layer_shapes())
    counted = multiply_adds(engine, loud(3))
    assert layers < counted < 2 * layers


def test_ratios_follow_the_clock(tmp_path: Path) -> None:
    ticks = itertools.count()
    result = bench_engine(
        EchoEngine(),
        [np.zeros(3 * FRAME_SAMPLES, np.int16)],
        output=VideoFile(tmp_path / "beside.mp4", EchoEngine().size),
        multiply_adds=64 * 64 * 128 * 128 * 9 // 2,
        threads=2,
        seconds=0.4,
        lookahead_ms=0,
        first_frame_s=1.5,
        now=lambda: 0.01 * next(ticks),
    )
    assert result["frames"] == 10
    assert result["step_p50_ms"] == pytest.approx(10)
    assert result["load"] == pytest.approx(0.25)
    assert result["step_over_limit"] == pytest.approx(2)
    assert result["load_with_encoding"] == pytest.approx(0.25)
    assert result["step_p99_with_encoding_ms"] == pytest.approx(10)
    with av.open(str(tmp_path / "beside.mp4")) as video:
        assert video.streams.video[0].frames == 10


def test_parts_share_the_whole_step() -> None:
    ticks = itertools.count()
    engine = Engine(untrained_networks(), drawn_avatar())
    shares = step_parts(engine, loud(4), lambda: float(next(ticks)))
    names = ["encoder", "tsg", "generator", "compositor", "rest"]
    assert list(shares) == [f"{name}_share" for name in names]
    assert all(share > 0 for share in shares.values())
    assert sum(shares.values()) == pytest.approx(1)
