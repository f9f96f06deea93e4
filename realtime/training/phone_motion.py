"""Phones -> lip codes: gives a face to voices that have none. Fitted on one real speaker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.audio.mel import HOPS_PER_FRAME
from realtime.models.audio_encoder import PHONES
from realtime.models.lip_code import CODES
from realtime.training.phones import UNKNOWN
from realtime.training.speech_corpus import Recording

# The real speaker's grammar lacks these phones, or nearly: lips that look alike stand in.
_STAND_INS = {
    "M": "B", "ER": "R", "NG": "G", "SH": "CH", "ZH": "JH", "OY": "AO", "UH": "UW", "AA": "AY",
}  # fmt: skip


class PhoneMotion(nn.Module):
    """Bidirectional GRU from the phones at four instants a frame to the lip code of the frame."""

    alike: Tensor

    def __init__(self, embedding: int = 24, width: int = 128) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(PHONES), embedding)
        self.memory = nn.GRU(
            embedding * HOPS_PER_FRAME, width, 2, batch_first=True, bidirectional=True
        )
        self.out = nn.Linear(2 * width, CODES)
        self.register_buffer("alike", _alike())

    def forward(self, phones: Tensor) -> Tensor:
        """int64 [B, 4 T] -> float32 [B, T, 16]."""
        x = self.embed(self.alike[phones]).unflatten(1, (-1, HOPS_PER_FRAME)).flatten(2)
        y: Tensor = self.out(self.memory(x)[0])
        return y


def _alike() -> Tensor:
    names = [_STAND_INS.get(phone, phone) for phone in PHONES]
    return torch.tensor([PHONES.index(name) for name in names])


def fit(speaker: Recording, steps: int, tick: Callable[[], None]) -> PhoneMotion:
    """Fits on the clips of a real speaker that have phones; `tick` is called after each step."""
    model = PhoneMotion()
    phones, motion = _examples(speaker)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, steps)
    scale = motion[~motion.isnan()].std()
    for _ in range(steps):
        pick = torch.randint(len(phones), (64,))
        known = ~motion[pick].isnan()
        error = (model(phones[pick]) - motion[pick])[known] / scale
        loss = error.square().mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        tick()
    return model.eval()


def _examples(speaker: Recording) -> tuple[Tensor, Tensor]:
    """The labelled clips, cut to the commonest length: phones [N, 4 T], codes [N, T, 16]."""
    length = int(np.median([hops for _, _, hops in speaker.clips]))
    clips = [
        slice(start, start + length)
        for _, start, hops in speaker.clips
        if hops >= length and speaker.phone[start] != UNKNOWN
    ]
    phones = np.stack([speaker.phone[clip] for clip in clips])
    motion = np.stack(
        [speaker.motion[clip][HOPS_PER_FRAME // 2 :: HOPS_PER_FRAME] for clip in clips]
    )
    return torch.tensor(phones, dtype=torch.long), torch.tensor(motion, dtype=torch.float32)


@torch.inference_mode()
def animate(model: PhoneMotion, recordings: Sequence[Recording]) -> None:
    """Writes the motion of every 10 ms into recordings that have phones but no face."""
    for recording in recordings:
        for start, stop in _pieces(len(recording.phone)):
            recording.motion[start:stop] = _every_hop(model, recording.phone[start:stop])


def _pieces(length: int, size: int = 6000) -> list[tuple[int, int]]:
    return [(start, min(start + size, length)) for start in range(0, length, size)]


def _every_hop(model: PhoneMotion, phone: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Codes of every hop of [T]: the 25 Hz network run at its four phases."""
    half, length = HOPS_PER_FRAME // 2, len(phone)
    padded = np.pad(phone, (half, 2 * HOPS_PER_FRAME), mode="edge")
    frames = length // HOPS_PER_FRAME + 1
    phases = np.stack([padded[i : i + frames * HOPS_PER_FRAME] for i in range(HOPS_PER_FRAME)])
    code = model(torch.tensor(phases, dtype=torch.long)).numpy()
    return np.asarray(code.transpose(1, 0, 2).reshape(-1, CODES)[:length])
