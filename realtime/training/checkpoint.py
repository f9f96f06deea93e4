"""A training's checkpoint, written whole or not at all, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from realtime.errors import ModelError


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Written beside and then renamed, so that a run killed meanwhile leaves the old one whole."""
    partial = path.with_suffix(".partial")
    torch.save(dict(state), partial)
    partial.replace(path)


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What was saved, its tensors on `device`; raises ModelError where nothing was."""
    if not path.is_file():
        raise ModelError(f"expected a training to go on with in {path}, found none")
    state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return state
