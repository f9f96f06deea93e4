"""What a kernel forgets to write is NaN in every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def _new_memory_is_nan() -> Iterator[None]:
    """PyTorch's deterministic mode fills it so."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(3).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)
