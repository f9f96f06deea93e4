"""`bench engine`: how long a step takes, in milliseconds and in ratios that machines share."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from realtime.clock import FRAME_MS, FRAME_RATE, Sound
from realtime.frame import Steps
from realtime.measure.machine import cpu_name
from realtime.outputs.output import Output
from realtime.outputs.playback import blocks_of

Clock = Callable[[], float]
Result = dict[str, float | int | str]

_WARM_UP_STEPS = 25
# The yardstick: 3x3, 128x128, 64 to 64 channels.
_PLAIN_CHANNELS, _PLAIN_SIDE, _PLAIN_KERNEL = 64, 128, 3
_PLAIN_MULTIPLY_ADDS = _PLAIN_CHANNELS**2 * _PLAIN_SIDE**2 * _PLAIN_KERNEL**2


class PlainConvolution:
    """The convolution whose rate is this machine's limit, in its best dtype, on `threads`."""

    def __init__(self, now: Clock, threads: int) -> None:
        self._now, self._threads = now, threads
        self._tensors = min(
            map(self._made, (torch.float32, torch.bfloat16)),
            key=lambda made: min(self._time(*made) for _ in range(10)),
        )

    @staticmethod
    def _made(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(1, _PLAIN_CHANNELS, _PLAIN_SIDE, _PLAIN_SIDE, dtype=dtype)
        w = torch.randn(_PLAIN_CHANNELS, _PLAIN_CHANNELS, 3, 3, dtype=dtype)
        return x.contiguous(memory_format=torch.channels_last), w.contiguous(
            memory_format=torch.channels_last
        )

    def _time(self, x: torch.Tensor, weight: torch.Tensor) -> float:
        others = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        began = self._now()
        with torch.inference_mode():
            F.conv2d(x, weight, padding=1)
        took = self._now() - began
        torch.set_num_threads(others)
        return took

    @property
    def dtype(self) -> torch.dtype:
        return self._tensors[0].dtype

    def seconds(self) -> float:
        """One run, seconds."""
        return self._time(*self._tensors)


def multiply_adds(engine: Steps, blocks: Iterable[Sound]) -> int:
    """Multiply-adds of a step's networks, the median over `blocks` of speech; the engine's backend
    must be torch in float64, whose operators are all counted: fused ones are not."""
    flops = []
    for block in blocks:
        with FlopCounterMode(display=False) as counter:
            engine.step(block)
        flops.append(counter.get_total_flops())
    return int(median(flops)) // 2


def bench_engine(
    engine: Steps,
    sounds: Iterable[Sound],
    *,
    output: Output,
    multiply_adds: int,
    threads: int,
    seconds: float,
    lookahead_ms: int,
    first_frame_s: float,
    now: Clock,
) -> Result:
    """Steps through `seconds` of sound, alternating with the plain convolution; then again while
    `output` takes, in a thread of its own, the frame before.

    The convolution has `threads`. Keys as in the design; `load` is the step's mean over a frame's
    40 ms.
    """
    blocks = cycle(list(blocks_of(sounds)))
    plain = PlainConvolution(now, threads)
    for block in islice(blocks, _WARM_UP_STEPS):
        engine.step(block)
    steps, plains = [], []
    for block in islice(blocks, round(seconds * FRAME_RATE)):
        began = now()
        engine.step(block)
        steps.append(now() - began)
        plains.append(plain.seconds())
    beside = _beside(engine, islice(blocks, len(steps) + 1), output, now)
    limit = median(plains) * multiply_adds / _PLAIN_MULTIPLY_ADDS
    return {
        "step_p50_ms": 1e3 * median(steps),
        "step_p99_ms": 1e3 * float(np.quantile(steps, 0.99)),
        "step_over_limit": median(steps) / limit,
        "load": _load(steps),
        "step_p50_with_encoding_ms": 1e3 * median(beside),
        "step_p99_with_encoding_ms": 1e3 * float(np.quantile(beside, 0.99)),
        "load_with_encoding": _load(beside),
        "first_frame_s": first_frame_s,
        "rss_mb": rss_mb(),
        "frames": len(steps),
        "lookahead_ms": lookahead_ms,
        "multiply_adds": multiply_adds,
        "plain_ms": 1e3 * median(plains),
        "plain_dtype": str(plain.dtype).removeprefix("torch."),
        "threads": threads,
        "device": cpu_name(),
    }


def _beside(engine: Steps, blocks: Iterator[Sound], output: Output, now: Clock) -> list[float]:
    """Seconds of each step but the first, which makes what is encoded beside the second.

    Each frame is encoded while the next is made, one to one as in a call that just keeps up.
    """
    steps = []
    frame = engine.step(next(blocks))
    with output, ThreadPoolExecutor(1) as encoder:
        for block in blocks:
            written = encoder.submit(output.write, frame)
            began = now()
            frame = engine.step(block)
            steps.append(now() - began)
            written.result()
    return steps


def _load(steps: list[float]) -> float:
    return 1e3 * float(np.mean(steps)) / FRAME_MS


def rss_mb() -> float:
    """Greatest resident memory of this process so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
