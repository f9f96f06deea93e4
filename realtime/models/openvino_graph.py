"""A graph of fixed shape compiled by OpenVINO, where that is installed: the extra `openvino`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
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

    example = torch.zeros(1, CONDITION, *size)
    with warnings.catch_warnings():
        # torch.export's own use of its deprecated tree types.
        warnings.simplefilter("ignore", FutureWarning)
        model = ov.convert_model(torch.export.export(graph, (example,)))
    model.reshape({model.input(0): ov.PartialShape(list(example.shape))})
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
