"""A graph of fixed shape compiled by OpenVINO, where that is installed: the extra `openvino`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from realtime.models.generator import CONDITION

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


def installed() -> bool:
    return find_spec("openvino") is not None


def compiled(
    graph: nn.Module, size: tuple[int, int], dtype: torch.dtype
) -> Callable[[Tensor], Tensor]:
    """The graph [1, 15, h, w] -> [1, C, h, w], float32 outside and `dtype` inside.

    size: height and width. What a call returns is overwritten by the next.
    Raises ModuleNotFoundError without OpenVINO, whose own errors pass through.
    """
    import openvino as ov
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    # `openvino.convert_model` does the same, but reports its use to its makers unasked.
    front_end = FrontEndManager().load_by_framework("pytorch")
    shape = [1, CONDITION, *size]
    with _quiet():
        exported = torch.export.export(graph, (torch.zeros(shape),))
        decoder = TorchFXPythonDecoder.from_exported_program(exported)
    model = front_end.convert(front_end.load(decoder))
    model.reshape({model.input(0): ov.PartialShape(shape)})
    options = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    request = ov.Core().compile_model(model, "CPU", options).create_infer_request()

    def run(condition: Tensor) -> Tensor:
        request.infer([ov.Tensor(condition.numpy(), shared_memory=True)])
        return torch.from_numpy(request.get_output_tensor().data)

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the export's deprecations and the decoder's notes on its own table of operators."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.disable(before)
