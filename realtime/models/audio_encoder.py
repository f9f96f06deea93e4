"""The audio encoder: a causal network that hears which phone is spoken, whoever speaks.

A convolution stem over log-mel (0.2 s) brings 100 Hz down to 25 Hz; two GRU layers carry the
longer past. Four heads name the phone at the centre of the newest frame and of the three before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.audio.mel import BANDS, SILENCE

PHONES = (
    "SIL", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G",
    "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH",
    "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
HINDSIGHTS = 4  # a head for 0, 40, 80 and 120 ms
_DROPOUT = 0.1  # while training


@dataclass(frozen=True)
class AudioEncoderConfig:
    """Sizes of an AudioEncoder; stored beside its weights."""

    stem: tuple[int, int] = (192, 256)
    width: int = 320
    layers: int = 2
    features: int = 64

    @property
    def outputs(self) -> int:
        """Length of e[n]: features, loudness, and the phone posteriors of every hindsight."""
        return self.features + 1 + HINDSIGHTS * len(PHONES)


@dataclass
class EncoderState:
    """What the next frame needs of the past: the newest inputs of every layer of the stem, and
    what every layer of the memory holds, float32 [B, W]."""

    stem: list[Tensor]
    hidden: list[Tensor]


@dataclass(frozen=True)
class Heard:
    """One entry a frame: `e` float32 [B, T, E], phone logits float32 [B, T, 4, 40].

    Head h of frame m speaks of the centre of frame m - h.
    """

    e: Tensor
    logits: Tensor


class CausalConv(nn.Module):
    """Convolution over time that sees no future; its past is kept by the caller."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride)
        self.norm = nn.LayerNorm(outputs)
        self.past = kernel - stride

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """float32 [B, T, C] and [B, past, C] -> [B, T / stride, C'] and the next past."""
        joined = torch.cat([past, x], 1)
        # A matrix product of what the kernel sees: for a single frame in half a convolution's time.
        seen = joined.unfold(1, *self.conv.kernel_size, *self.conv.stride).flatten(2)
        y = F.linear(seen, self.conv.weight.flatten(1), self.conv.bias)
        return F.gelu(self.norm(y)), joined[:, joined.shape[1] - self.past :]


class AudioEncoder(nn.Module):
    """log-mel at 100 Hz -> what was heard, at 25 Hz; one forward for training and streaming."""

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, config: AudioEncoderConfig) -> None:
        super().__init__()
        self.config = config
        low, high = config.stem
        sizes = [(BANDS, low, 5, 1), (low, high, 4, 2)]
        sizes += [(high, config.width, 4, 2), (config.width, config.width, 3, 1)]
        self.stem = nn.ModuleList(CausalConv(*size) for size in sizes)
        self._pasts = [(inputs, kernel - stride) for inputs, _, kernel, stride in sizes]
        self.memory = nn.GRU(
            config.width, config.width, config.layers, batch_first=True, dropout=_DROPOUT
        )
        self.dropout = nn.Dropout(_DROPOUT)
        self.phones = nn.Linear(config.width, HINDSIGHTS * len(PHONES))
        self.features = nn.Linear(config.width, config.features)
        self.register_buffer("mel_mean", torch.zeros(BANDS))
        self.register_buffer("mel_std", torch.ones(BANDS))

    def start(self, batch: int = 1) -> EncoderState:
        """The state after endless silence."""
        zeros = self.mel_mean.new_zeros
        silence = (SILENCE - self.mel_mean) / self.mel_std
        past = [silence.expand(batch, self._pasts[0][1], BANDS)]
        past += [zeros(batch, kept, inputs) for inputs, kept in self._pasts[1:]]
        hidden = [zeros(batch, self.config.width) for _ in range(self.config.layers)]
        return EncoderState(past, hidden)

    def forward(self, mel: Tensor, state: EncoderState) -> tuple[Heard, EncoderState]:
        """log-mel float32 [B, 4 T, 80] and the state before it -> T frames and the state after."""
        normal = (mel - self.mel_mean) / self.mel_std
        x, stem = normal, []
        for conv, past in zip(self.stem, state.stem, strict=True):
            x, past = conv(x, past)
            stem.append(past)
        x = self.dropout(x)
        y, hidden = self._remember(x, state.hidden)
        y = self.dropout(x + y)
        logits = self.phones(y).reshape(*y.shape[:2], HINDSIGHTS, len(PHONES))
        loudness = normal.reshape(*y.shape[:2], -1).mean(2, keepdim=True)
        e = torch.cat([self.features(y), loudness, logits.softmax(3).flatten(2)], 2)
        return Heard(e, logits), EncoderState(stem, hidden)

    def _remember(self, x: Tensor, hidden: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """float32 [B, T, W] and what is held before it -> the layers' outputs and what is after."""
        if x.shape[1] > 1:
            y, last = self.memory(x, torch.stack(hidden))
            return y, list(last)
        # A single frame, by the cells of nn.GRU: they are started in less time.
        y, after = x[:, 0], []
        for weights, before in zip(self.memory.all_weights, hidden, strict=True):
            y = torch.gru_cell(y, before, *weights)
            after.append(y)
        return y[:, None], after
