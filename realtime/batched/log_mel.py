"""Streaming log-mel of many sessions at once: `realtime.audio.mel` as two matrix products."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from realtime.audio.mel import (
    FLOOR,
    HOP_SAMPLES,
    PAST_SAMPLES,
    WINDOW_SAMPLES,
    filter_bank,
    fourier,
)


class LogMels(nn.Module):
    """Remembers of every session the 240 samples that its next window shares with the last."""

    past: Tensor
    fourier: Tensor
    bank: Tensor
    floor: Tensor

    def __init__(self, sessions: int) -> None:
        super().__init__()
        self.register_buffer("past", torch.zeros(sessions, PAST_SAMPLES, dtype=torch.int16))
        self.register_buffer("fourier", torch.from_numpy(fourier()))
        # Twice: the power of a bin is the sum of two squares.
        self.register_buffer("bank", torch.from_numpy(filter_bank()).repeat(2, 1))
        self.register_buffer("floor", torch.tensor(FLOOR))

    def forward(self, sound: Tensor) -> Tensor:
        """int16 [N, 640] -> float32 [N, 4, 80]."""
        joined = torch.cat([self.past, sound], 1)
        self.past.copy_(joined[:, -PAST_SAMPLES:])
        windows = joined.unfold(1, WINDOW_SAMPLES, HOP_SAMPLES).float()
        squares = (windows @ self.fourier).square().flatten(0, 1)
        power = torch.addmm(self.floor, squares, self.bank)
        return power.log().view(*windows.shape[:2], -1)

    def reset(self, session: int) -> None:
        """Before the session's next sound there was silence."""
        self.past[session] = 0
