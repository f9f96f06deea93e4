"""The weights file: it fits, or one sentence says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from realtime.errors import ModelError
from realtime.models.weights import load_weights, save_weights


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    save_weights(path, {"net.weight": torch.eye(2), "net.bias": torch.ones(2)}, {"net": {"a": 1}})
    return path


def test_what_was_saved_comes_back(written: Path) -> None:
    weights = load_weights(written)
    network = weights.restore("net", nn.Linear(2, 2))
    assert torch.equal(network(torch.ones(1, 2)), torch.full((1, 2), 2.0))
    assert weights.config("net") == {"a": 1}
    assert [p.name for p in written.parent.iterdir()] == ["w.safetensors"]


def test_a_flipped_bit_is_found(written: Path) -> None:
    damaged = bytearray(written.read_bytes())
    damaged[-1] ^= 1
    written.write_bytes(damaged)
    with pytest.raises(ModelError, match="damaged"):
        load_weights(written)


def test_missing_foreign_and_misfit_files_are_refused(written: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load_weights(tmp_path / "none.safetensors")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ModelError, match="not a safetensors file"):
        load_weights(tmp_path / "text")
    with pytest.raises(ModelError, match="do not fit"):
        load_weights(written).restore("net", nn.Linear(3, 2))
    with pytest.raises(ModelError, match="found \\['net'\\]"):
        load_weights(written).config("other")
