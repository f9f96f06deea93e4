"""`bench engine` and `bench kernels` on a GPU."""

from __future__ import annotations

import os
import time
from functools import partial
from itertools import cycle, islice

import torch

from realtime.audio.sources import sound_blocks
from realtime.batched.engine import BatchedEngine
from realtime.clock import FRAME_RATE
from realtime.commands.common import ASSETS, Arguments, report, report_crowds
from realtime.engine import Outfit
from realtime.enroll.landmarks import cache_folder
from realtime.gallery import AvatarGallery
from realtime.measure.bench_batch import bench_batch, counts
from realtime.measure.bench_device_kernels import bench_device_kernels, measured_limits
from realtime.measure.machine import gpu_name
from realtime.models.networks import Networks
from realtime.models.tensorrt import Platform, compiled
from realtime.outputs.playback import blocks_of

_BATCHES = (1, 64)


def engine(networks: Networks, arguments: Arguments) -> None:
    """One session's step, and that of 2, 4 and so on to as many sessions as were asked for, which
    have the shipped faces by turns."""
    device = gpu_name()
    compiler = None
    if arguments.device == "tensorrt":
        folder = cache_folder(os.environ)
        compiler = partial(compiled, folder=folder, platform=Platform.here())
    blocks = list(blocks_of(sound_blocks(arguments.speech)))
    gallery = AvatarGallery(ASSETS)
    outfits = [Outfit(each, None, each.manner) for each in map(gallery.find, gallery.names())]
    crowds = []
    for sessions in counts(arguments.sessions):
        batch = BatchedEngine(
            networks,
            list(islice(cycle(outfits), sessions)),
            lookahead_ms=arguments.lookahead_ms,
            size=arguments.size,
            seeds=range(sessions),
            device=torch.device("cuda"),
            compiler=compiler,
        )
        steps = round(FRAME_RATE * arguments.seconds)
        crowds.append(bench_batch(batch, blocks, steps, time.perf_counter))
        del batch
    first = crowds[0]
    result = {"step_p50_ms": first.latency_p50_ms, "step_p99_ms": first.latency_p99_ms}
    report({**result, **report_crowds(crowds, arguments.png), "device": device}, arguments.json)


def kernels(arguments: Arguments) -> None:
    """Every layer for one face and for many, each under a CUDA graph, beside cuDNN's."""
    result: dict[str, float | str] = {"device": gpu_name()}
    torch.backends.cudnn.benchmark = True
    limits = measured_limits()
    result |= {"limit_tflops": limits.flops / 1e12, "limit_gb_s": limits.bytes / 1e9}
    for batch in _BATCHES:
        rows = bench_device_kernels(batch, limits)
        print(f"{batch} faces{'':>22}  cuDNN ms   one pass  cuDNN+passes    GFLOP    MB  of limit")
        for row in rows:
            print(
                f"{row.name:>30}  {row.plain_ms:8.4f}   {row.ours_ms:8.4f}  {row.passes_ms:11.4f}  "
                f"{row.flops / 1e9:8.3f} {row.bytes / 1e6:6.2f}  {row.roofline:6.1%}"
            )
        plain, ours, passes = (
            sum(getattr(row, form) for row in rows) for form in ("plain_ms", "ours_ms", "passes_ms")
        )
        result |= {f"ours_{batch}_ms": ours, f"over_plain_{batch}": ours / plain}
        result |= {f"passes_over_plain_{batch}": passes / plain}
    report(result, arguments.json)
