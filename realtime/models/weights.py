"""One file of weights: every network's tensors and configuration, checked by its own hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from realtime.errors import ModelError

FORMAT = "segtalker-weights-1"

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Weights:
    """Tensors by full name (`network.layer.weight`), configurations by network, and the hash."""

    tensors: Tensors
    configs: dict[str, dict[str, Any]]
    digest: str

    def restore(self, network: str, module: torch.nn.Module) -> torch.nn.Module:
        """Loads this network's tensors into `module`, ready for inference; returns it.

        Raises ModelError when a tensor is missing, left over or of another shape.
        """
        prefix = network + "."
        own = {
            name.removeprefix(prefix): tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix)
        }
        try:
            module.load_state_dict(own)
        except RuntimeError as error:
            raise ModelError(f"the weights do not fit the network '{network}': {error}") from error
        return module.eval().requires_grad_(False)

    def config(self, network: str) -> dict[str, Any]:
        """The configuration of a network; raises ModelError when the file holds none."""
        if network not in self.configs:
            raise ModelError(f"expected weights of '{network}', found {sorted(self.configs)}")
        return self.configs[network]


def default_path() -> Path:
    """Where the shipped weights lie."""
    return Path(str(files("realtime") / "assets" / "weights.safetensors"))


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous().cpu()
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def save_weights(
    path: Path, tensors: Mapping[str, torch.Tensor], configs: Mapping[str, Mapping[str, Any]]
) -> None:
    """Writes one file, whole or not at all."""
    kept = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    metadata = {"format": FORMAT, "sha256": digest(kept), "configs": json.dumps(dict(configs))}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(kept, partial, metadata)
    partial.replace(path)


def load_weights(path: Path | None = None) -> Weights:
    """The shipped weights, or those of `path`; raises ModelError when missing or damaged."""
    place = default_path() if path is None else path
    if not place.is_file():
        raise ModelError(f"expected the weights at {place}, found no such file")
    try:
        with safe_open(place, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{place} is not a safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise ModelError(f"{place}: expected {FORMAT}, found {metadata.get('format')}")
    found = digest(tensors)
    if found != metadata.get("sha256"):
        raise ModelError(
            f"{place} is damaged: expected SHA-256 {metadata['sha256']}, found {found}"
        )
    return Weights(tensors, json.loads(metadata["configs"]), found)
