"""Puts the stages' weights together into the one file that ships."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from realtime.errors import ModelError
from realtime.models.weights import Tensors, load_weights, save_weights

STAGE_FILES = ("speech/speech.safetensors", "generator/generator.safetensors")


def pack(runs: Path, out: Path, stages: Iterable[str] = STAGE_FILES) -> None:
    """Stage files under `runs` -> `out`; raises ModelError when one is missing or two overlap."""
    tensors: Tensors = {}
    configs: dict[str, dict[str, Any]] = {}
    for stage in stages:
        weights = load_weights(runs / stage)
        if twice := tensors.keys() & weights.tensors.keys():
            raise ModelError(f"expected each network in one stage, found {sorted(twice)[0]} twice")
        tensors |= weights.tensors
        configs |= weights.configs
    save_weights(out, tensors, configs)
