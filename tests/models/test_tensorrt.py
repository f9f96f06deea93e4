"""Which TensorRT engine is kept and which is built; building itself needs a GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from realtime.models.tensorrt import Platform, compiled

PLATFORM = Platform("NVIDIA H100 80GB HBM3", "10.13.0")


class Builder:
    """Keeps the network as it is, and counts."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self, exported: ExportedProgram, example: tuple[Tensor, ...], file: Path) -> None:
        torch.export.save(exported, file)
        self.built += 1
        assert example[0].shape[1] == 3


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Linear(3, 2)


def test_an_engine_is_kept_and_named_by_gpu_and_version(tmp_path: Path) -> None:
    builder, x = Builder(), torch.randn(4, 3)
    for _ in range(2):
        made = compiled(network(), (x,), folder=tmp_path / "new", platform=PLATFORM, build=builder)
        torch.testing.assert_close(made(x), network()(x))
    assert builder.built == 1
    (file,) = (tmp_path / "new").iterdir()
    assert file.name.endswith("-NVIDIA-H100-80GB-HBM3-tensorrt-10.13.0.pt2")


def test_whatever_differs_is_built_again(tmp_path: Path) -> None:
    builder = Builder()
    others = [
        (network(), 4, PLATFORM),
        (network(seed=1), 4, PLATFORM),
        (network(), 5, PLATFORM),
        (network(), 4, replace(PLATFORM, gpu="NVIDIA H200")),
        (network(), 4, replace(PLATFORM, tensorrt="10.14.0")),
    ]
    for other, batch, platform in others:
        x = torch.randn(batch, 3)
        made = compiled(other, (x,), folder=tmp_path, platform=platform, build=builder)
        torch.testing.assert_close(made(x), other(x))
    assert builder.built == len(others) == len(list(tmp_path.iterdir()))


def test_what_was_not_built_to_the_end_is_not_taken(tmp_path: Path) -> None:
    def interrupted(exported: ExportedProgram, example: tuple[Tensor, ...], file: Path) -> None:
        Builder()(exported, example, file)
        raise KeyboardInterrupt

    x, builder = torch.randn(4, 3), Builder()
    with pytest.raises(KeyboardInterrupt):
        compiled(network(), (x,), folder=tmp_path, platform=PLATFORM, build=interrupted)
    compiled(network(), (x,), folder=tmp_path, platform=PLATFORM, build=builder)
    assert builder.built == 1
