"""A network as one graph of fixed shapes under OpenVINO, where that is installed: the extra.

The network runs once, and what becomes of its inputs is said again in OpenVINO's operators; all
else is constant. `torch.export` and OpenVINO's reader of it do the same, but need four seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}
_UNSAID = {"memory_format", "pin_memory"}  # options of operators that mean nothing to OpenVINO
_Node = Any  # OpenVINO has no types


def installed() -> bool:
    return find_spec("openvino") is not None


def compiled(
    network: nn.Module, example: tuple[Tensor, ...], dtype: torch.dtype, threads: int
) -> Callable[..., tuple[Tensor, ...]]:
    """The network for tensors shaped as the example, float32 outside and `dtype` inside.

    What a call returns is overwritten by the next.
    Raises ModuleNotFoundError without OpenVINO, whose own errors pass through, and
    NotImplementedError for an operator that is not in `_vocabulary`.
    """
    import openvino as ov

    options = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    model = ov.Core().compile_model(_said(network, example), "CPU", options)
    request = model.create_infer_request()

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        request.infer([ov.Tensor(each.numpy(), shared_memory=True) for each in given])
        return tuple(torch.from_numpy(made.data) for made in request.output_tensors)

    return run


def _said(network: nn.Module, example: tuple[Tensor, ...]) -> Any:
    """The network as a model of OpenVINO's."""
    import openvino as ov
    from openvino import opset13 as op

    inputs = [op.parameter(list(each.shape), np.float32) for each in example]
    # Outside inference mode, where PyTorch says what its composite operators are made of.
    with torch.inference_mode(False), torch.no_grad():
        given = [torch.zeros(each.shape) for each in example]
        with _Interpreter(given, inputs) as interpreter:
            made = network(*given)
    outputs = made if isinstance(made, tuple) else (made,)
    return ov.Model([interpreter.node(each) for each in outputs], inputs)


class _Interpreter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While entered, says again what PyTorch does to the given tensors and what comes of them."""

    def __init__(self, given: Sequence[Tensor], nodes: Sequence[_Node]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._vocabulary = _vocabulary()
        # With its tensor, for an id is another's once that is gone.
        self._said = {id(each): (each, node) for each, node in zip(given, nodes, strict=True)}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # it would be imported for that, which takes two seconds

    def node(self, value: Any) -> Any:
        """An operator's argument: what was said for a tensor, or else a constant."""
        from openvino import opset13 as op

        if isinstance(value, list):
            return [self.node(each) for each in value]
        if id(value) in self._said:
            return self._said[id(value)][1]
        return op.constant(np.ascontiguousarray(value)) if isinstance(value, Tensor) else value

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        made = operator(*args, **options)
        parts = [part for each in args for part in (each if isinstance(each, list) else [each])]
        if any(id(part) in self._said for part in parts):
            if operator not in self._vocabulary or options.keys() - _UNSAID:
                raise NotImplementedError(f"expected a known operator, found {operator} {options}")
            node = self._vocabulary[operator](*map(self.node, args))
            self._said[id(made)] = made, node
        return made


def _vocabulary() -> dict[Any, Callable[..., _Node]]:
    """PyTorch's operators, as they reach the processor, in OpenVINO's words."""
    from openvino import opset13 as op

    aten = torch.ops.aten

    def number(value: Any) -> _Node:
        return op.constant(value, np.float32) if isinstance(value, int | float) else value

    def pointwise(operate: Callable[[_Node, _Node], _Node]) -> Callable[[_Node, _Node], _Node]:
        return lambda x, y: operate(number(x), number(y))

    def convolution(
        x: _Node,
        weight: _Node,
        bias: _Node,
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        transposed: bool,
        *_: Any,
    ) -> _Node:
        convolve = op.convolution_backprop_data if transposed else op.convolution
        y = convolve(
            x, weight, strides=stride, pads_begin=padding, pads_end=padding, dilations=dilation
        )
        return y if bias is None else y + op.reshape(bias, [1, -1, 1, 1], False)

    def convolution_times(
        x: _Node,
        factor: _Node,
        weight: _Node,
        bias: _Node,
        padding: list[int],
        stride: list[int],
        dilation: list[int],
        *_: Any,
    ) -> _Node:
        return convolution(x, weight, bias, stride, padding, dilation, False) * factor

    def mean_pool(
        x: _Node, size: list[int], stride: Sequence[int] = (), padding: Sequence[int] = (0, 0)
    ) -> _Node:
        return op.avg_pool(x, stride or size, padding, padding, size, exclude_pad=False)

    def enlarge(x: _Node, size: list[int], align_corners: bool, *_: Any) -> _Node:
        corners = "align_corners" if align_corners else "half_pixel"
        return op.interpolate(
            x, size, "linear_onnx", "sizes", axes=[2, 3], coordinate_transformation_mode=corners
        )

    def cut(x: _Node, axis: int, start: int, stop: int) -> _Node:
        return op.slice(x, [start], [stop], [1], [axis])

    def surround(x: _Node, sides: list[int], value: float) -> _Node:
        left, right, top, bottom = sides
        return op.pad(x, [0, 0, top, left], [0, 0, bottom, right], "constant", number(value))

    return {
        aten.convolution.default: convolution,
        torch.ops.mkldnn._convolution_pointwise.binary: convolution_times,
        aten.leaky_relu_.default: lambda x, slope: op.prelu(x, number(slope)),
        aten.avg_pool2d.default: mean_pool,
        aten.upsample_bilinear2d.default: enlarge,
        aten.add.Tensor: pointwise(op.add),
        aten.add_.Tensor: pointwise(op.add),
        aten.sub.Tensor: pointwise(op.subtract),
        aten.mul.Tensor: pointwise(op.multiply),
        aten.lerp.Tensor: lambda low, high, share: low + share * (high - low),
        aten.sigmoid.default: op.sigmoid,
        aten.tanh.default: op.tanh,
        aten.clamp.default: op.clamp,
        aten.full_like.default: lambda x, value: op.broadcast(number(value), op.shape_of(x)),
        aten.slice.Tensor: cut,
        aten.constant_pad_nd.default: surround,
        aten.cat.default: op.concat,
        aten.alias.default: lambda x: x,
        aten.clone.default: lambda x: x,
        aten.detach.default: lambda x: x,
    }
