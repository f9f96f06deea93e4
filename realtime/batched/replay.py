"""A network's forward, again and again, from the host and back to it: on a GPU one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Replay:
    """What `module` makes of arrays of one shape and dtype each. It is moved to `device`.

    Making this runs the forward a few times, on zeros, so that every kernel is compiled and every
    library has chosen. Whatever else a GPU does meanwhile, for other threads, goes on.
    """

    def __init__(
        self, module: nn.Module, given: Sequence[Tensor], made: Tensor, device: torch.device
    ) -> None:
        """given, made: host tensors like those that go in and the one that comes out."""
        self._module, self._device = module.to(device), device
        on_gpu = device.type == "cuda"
        # Always at the same places, which the graph knows.
        self._given = [each.pin_memory() if on_gpu else each for each in given]
        self._made = made.pin_memory() if on_gpu else made
        self._forward = self._captured() if on_gpu else self._run

    def __call__(self, *given: NDArray[np.generic]) -> NDArray[np.generic]:
        """The arrays' outcome, which holds until the next call."""
        for place, each in zip(self._given, given, strict=True):
            place.copy_(torch.from_numpy(each))
        self._forward()
        return self._made.numpy()

    @torch.inference_mode()
    def _run(self) -> None:
        given = [each.to(self._device, non_blocking=True) for each in self._given]
        self._made.copy_(self._module(*given), non_blocking=True)

    def _captured(self) -> Callable[[], None]:
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        replay = captured(self._run, stream)

        def forward() -> None:
            replay()
            stream.synchronize()

        return forward


def captured(work: Callable[[], object], stream: torch.cuda.Stream) -> Callable[[], None]:
    """`work` as one graph: what it launches is launched again, on `stream`, by one call."""
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        work()

    def replay() -> None:
        with torch.cuda.stream(stream):
            graph.replay()

    return replay
