"""A network as a TensorRT engine, where torch-tensorrt is installed: the extra.

An engine runs on the kind of GPU and under the TensorRT that it was built for. Building one takes a
while: it is kept under both their names, and built again where there is none of its name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

Build = Callable[[ExportedProgram, tuple[Tensor, ...], Path], None]


@dataclass(frozen=True)
class Platform:
    """What an engine is good for: the GPU's model, and TensorRT's version."""

    gpu: str
    tensorrt: str

    @classmethod
    def here(cls) -> Platform:
        """Raises ModuleNotFoundError without torch-tensorrt."""
        import torch_tensorrt  # engines are loaded by its operators  # noqa: F401
        from tensorrt import __version__

        return cls(torch.cuda.get_device_name(), __version__)

    def file_name(self, exported: ExportedProgram, example: tuple[Tensor, ...]) -> str:
        """Another one for other operators, weights, shapes, GPUs and versions."""
        shapes = [tuple(each.shape) for each in example]
        known = hashlib.sha256(f"{exported.graph} {shapes}".encode())
        for tensor in (*exported.state_dict.values(), *exported.constants.values()):
            known.update(tensor.detach().cpu().numpy().tobytes())
        gpu = re.sub(r"\W+", "-", self.gpu)
        return f"{known.hexdigest()[:16]}-{gpu}-tensorrt-{self.tensorrt}.pt2"


def build(exported: ExportedProgram, example: tuple[Tensor, ...], file: Path) -> None:
    """Compiles for these shapes, in float32, and writes what `torch.export.load` reads."""
    import torch_tensorrt

    compiled = torch_tensorrt.dynamo.compile(exported, arg_inputs=example, disable_tf32=True)
    torch_tensorrt.save(compiled, str(file), arg_inputs=example)


def compiled(
    network: nn.Module,
    example: tuple[Tensor, ...],
    *,
    folder: Path,
    platform: Platform,
    build: Build = build,
) -> nn.Module:
    """The network for tensors shaped as the example and on its device: the engine kept in `folder`
    for this platform, else built and kept there."""
    with torch.inference_mode(False), torch.no_grad():
        exported = torch.export.export(network, example)
    file = folder / platform.file_name(exported, example)
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"unfinished-{file.name}")
        build(exported, example, unfinished)
        unfinished.replace(file)
    return torch.export.load(file).module()
