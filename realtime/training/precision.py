"""In which dtype networks train."""

from __future__ import annotations

import torch


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on a processor that computes in it; float32 where that is emulated, and slow.

    Float32 on a GPU, too: networks so small keep it waiting whatever they compute in.
    """
    native = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=native)
