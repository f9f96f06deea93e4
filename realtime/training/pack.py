"""Puts the stages' weights together into the one file that ships, and its codes into avatars."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from realtime import avatar_file
from realtime.errors import ModelError
from realtime.face import crop_matrix, crop_picture, planes
from realtime.models.networks import Networks
from realtime.models.weights import Tensors, load_weights, save_weights
from realtime.regions import one_hot

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


def recode(avatars: Iterable[Path], networks: Networks) -> None:
    """Makes the avatars' codes anew, by these networks."""
    for path in avatars:
        avatar = avatar_file.load(path)
        crop = crop_picture(avatar.picture, crop_matrix(avatar.points))
        codes = networks.codes(planes(crop), one_hot(avatar.mask))
        avatar_file.recode(path, codes, networks.digest)
