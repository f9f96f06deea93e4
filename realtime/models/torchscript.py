"""Networks that others published as TorchScript."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from realtime.errors import InputError


def read_network(path: Path) -> Any:
    """A network on the CPU that stands still; raises InputError where the file holds none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the format is the publishers'
            network = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise InputError(f"expected a TorchScript network in {path.name}, found none") from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()
