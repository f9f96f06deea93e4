"""Networks train in a dtype that the device computes in."""

from __future__ import annotations

import pytest
import torch

from realtime.training.precision import autocast


@pytest.mark.parametrize(
    ("native", "dtype"),
    [(True, torch.bfloat16), (False, torch.float32)],
    ids=["native", "emulated"],
)
def test_bfloat16_is_for_processors_that_have_it(
    monkeypatch: pytest.MonkeyPatch, native: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    kernel = torch.ones(1, 1, 3, 3)
    with autocast(torch.device("cpu")):
        assert torch.conv2d(torch.ones(1, 1, 4, 4), kernel).dtype == dtype
