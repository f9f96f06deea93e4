"""When a GPU shows the face."""

from __future__ import annotations

import pytest
import torch

from realtime.commands.common import gpu_backend


@pytest.mark.parametrize(
    ("available", "capability", "taken"),
    [(False, (9, 0), False), (True, (7, 5), False), (True, (8, 0), True), (True, (9, 0), True)],
)
def test_only_one_that_computes_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, available: bool, capability: tuple[int, int], taken: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr("realtime.commands.common.find_spec", lambda _: object())
    assert (gpu_backend() is not None) == taken
