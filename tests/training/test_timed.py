from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.errors import ModelError
from realtime.training.parser import fresh_run
from realtime.training.timed import Stint


def test_a_seed_begins_alike(tmp_path: Path) -> None:
    def first(seed: int) -> torch.Tensor:
        run = Stint(tmp_path, 1.0, seed).begin(fresh_run)
        return next(run.networks.parameters())

    assert torch.equal(first(3), first(3))
    assert not torch.equal(first(3), first(4))


def test_what_never_began_cannot_go_on(tmp_path: Path) -> None:
    stint = Stint(tmp_path, 1.0, seed=0, resume=True)
    with pytest.raises(ModelError, match="expected a training to go on with"):
        stint.begin(fresh_run)
