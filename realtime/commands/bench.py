"""`bench`: engine, kernels and call."""

from __future__ import annotations

import time

import torch

from realtime.audio.sources import sound_blocks
from realtime.clock import Sound
from realtime.commands.common import (
    Arguments,
    build_engine,
    fastest_backend,
    load_networks,
    report,
)
from realtime.measure.bench_engine import bench_engine, multiply_adds
from realtime.measure.bench_kernels import bench_kernels
from realtime.measure.bench_sessions import bench_sessions
from realtime.models.networks import Networks
from realtime.models.renderer import Backend, backends
from realtime.outputs.playback import blocks_of


def engine(arguments: Arguments) -> None:
    """The engine's step, and with --sessions how many share the machine."""
    networks = load_networks()
    backend = fastest_backend(networks)
    engine = build_engine(networks, arguments, backend)
    blocks = list(blocks_of(sound_blocks(arguments.speech)))
    engine.step(blocks[0])
    first_frame_s = time.perf_counter() - arguments.started
    counted = build_engine(networks, arguments, Backend("torch", torch.float64))
    result = bench_engine(
        engine,
        blocks,
        multiply_adds=multiply_adds(counted, blocks[0]),
        seconds=arguments.seconds,
        lookahead_ms=arguments.lookahead_ms,
        first_frame_s=first_frame_s,
        now=time.perf_counter,
    )
    if arguments.sessions > 1:
        result |= _crowd(networks, backend, blocks, arguments)
    report(result, arguments.json)


def _crowd(
    networks: Networks, backend: Backend, blocks: list[Sound], arguments: Arguments
) -> dict[str, float | int]:
    """One session, two, and so on to as many as were asked for: prints all, returns the last."""
    engines = [build_engine(networks, arguments, backend) for _ in range(arguments.sessions)]
    crowds = bench_sessions(engines, blocks, seconds=arguments.seconds, now=time.perf_counter)
    for crowd in crowds:
        print(
            f"{crowd.sessions:>3} sessions: p50 {crowd.latency_p50_ms:.1f} ms, "
            f"p99 {crowd.latency_p99_ms:.1f} ms, load {crowd.load:.2f}"
        )
    last = crowds[-1]
    return {
        "sessions": last.sessions,
        "sessions_p50_ms": last.latency_p50_ms,
        "sessions_p99_ms": last.latency_p99_ms,
        "sessions_load": last.load,
    }


def kernels(arguments: Arguments) -> None:
    """Layer by layer, then in sum."""
    result, rows = bench_kernels(backends(), time.perf_counter)
    print(f"{'layer':>24}  plain ms   ours ms  R-fold ms")
    for row in rows:
        print(f"{row.name:>24}  {row.plain_ms:8.2f}  {row.ours_ms:8.2f}   {row.rfold_ms:8.2f}")
    report(result, arguments.json)
