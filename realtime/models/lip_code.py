"""The lip code: 16 numbers a frame that say how the lower face is displaced from rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from realtime.audio.mel import LogMel
from realtime.audio.voice import RestEasing
from realtime.clock import MAX_LOOKAHEAD_FRAMES, Sound
from realtime.models.audio_encoder import (
    HINDSIGHTS,
    PHONES,
    AudioEncoder,
    AudioEncoderConfig,
    EncoderState,
)

CODES = 16
LANDMARKS = 478
UPPER_LIP, LOWER_LIP = 13, 14  # the inner lips' middle
CLOSING_PHONES = ("P", "B", "M")
VOWELS = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"),
)
TOLD = CODES + len(PHONES)
PAST_FRAMES = 2
SLOTS = PAST_FRAMES + 1 + MAX_LOOKAHEAD_FRAMES
# A filmed speaker's consonants may be wide open, where everybody's are nearly shut; so there a
# closing phone must be so many times as likely as where everybody's lips shut half way. P, B and M
# of five people, minutes of each, are then shut as often as their own.
_SURER = 4.0


@dataclass(frozen=True)
class LipDecoderConfig:
    """Sizes of a LipDecoder, and when a closing phone closes; stored with its weights.

    closing: lips shut half way where a vowel is so many times as likely as P, B or M. consonant:
    what a consonant shut by mistake costs, in vowels: its lips are nearly shut anyway. At 80 ms
    on held-out voices of clean/speech a closing of 8 that spares all phones alike shuts 97 % of
    P, B, M and 0.8 % of open vowels; these figures shut 99 % and 1.0 %.
    """

    inputs: int = AudioEncoderConfig().outputs
    width: int = 256
    closing: float = 8.0
    consonant: float = 0.07


def windows(e: Tensor, ahead: Tensor) -> tuple[Tensor, Tensor]:
    """Every frame's e[n-2 .. n+3] with what lies beyond its lookahead taken out.

    e float32 [B, T, E], ahead int64 [B] in 0..3 -> [B, T, 6, E] and bool [B, T, 6], true where a
    slot is present. What lies before the first or after the last frame is absent too.
    """
    frames = e.shape[1]
    slot = torch.arange(SLOTS, device=e.device) - PAST_FRAMES
    at = torch.arange(frames, device=e.device)[:, None] + slot
    inside = (at >= 0) & (at < frames)
    present = inside & (slot <= ahead[:, None])[:, None]
    return e[:, at.clamp(0, frames - 1)] * present[..., None], present


class LipDecoder(nn.Module):
    """A window of what was heard -> lip code; one network for every lookahead.

    `basis` float32 [16, 478, 3]: displacement of each landmark from the closed, silent face for a
    code of 1, in eye distances (x right, y down). `gain` float32 [16] undoes the damping of a
    network that predicts the mean.
    """

    basis: Tensor
    scale: Tensor
    gain: Tensor
    odds: Tensor

    def __init__(self, config: LipDecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(
            nn.Linear(SLOTS * (config.inputs + 1), config.width),
            nn.LayerNorm(config.width),
            nn.GELU(),
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, CODES),
        )
        self.register_buffer("basis", torch.zeros(CODES, LANDMARKS, 3))
        self.register_buffer("scale", torch.ones(CODES))
        self.register_buffer("gain", torch.ones(CODES))
        # By phone: how much it wants the lips shut, and what shutting them by mistake costs.
        odds = torch.tensor([0.0, config.consonant]).repeat(len(PHONES), 1)
        odds[[PHONES.index(phone) for phone in VOWELS]] = torch.tensor([0.0, 1.0])
        odds[[PHONES.index(phone) for phone in CLOSING_PHONES]] = torch.tensor([config.closing, 0])
        self.register_buffer("odds", odds, persistent=False)

    def estimate(self, window: Tensor, present: Tensor) -> Tensor:
        """What is trained: [..., 6, E] and bool [..., 6] -> code [..., 16], without closing."""
        seen = torch.cat([window, present[..., None].to(window.dtype)], -1)
        code: Tensor = self.layers(seen.flatten(-2)) * self.scale
        return code

    def forward(self, window: Tensor, present: Tensor, habit: Tensor | None = None) -> Tensor:
        """float32 [..., 6, E] and bool [..., 6] -> code float32 [..., 16].

        `habit` [K + 1, 16] is how a filmed speaker differs: [the first K told, 1] @ habit; K is 16,
        everybody's code alone, or 56, the phones, too.

        A network unsure whether it hears a P opens half way, so its doubt is resolved here: the
        odds of a closing phone, against what a false closure would cost, shut the lips.
        """
        told = self.told(window, present)
        code, phones = told[..., :CODES], told[..., CODES:]
        q = self.closing(phones)[..., None]
        if habit is not None:
            code = told[..., : len(habit) - 1] @ habit[:-1] + habit[-1]
            q = q.square() / (q.square() + (_SURER * (1 - q)).square())
        return code - q * self._opening(code)

    def told(self, window: Tensor, present: Tensor) -> Tensor:
        """All that lips are made of: float32 [..., 56], everybody's code before anything shuts it,
        and the posteriors of the frame's phones."""
        code = self.estimate(window, present) * self.gain
        return torch.cat([code, self._phones(window, present)], -1)

    def closing(self, phones: Tensor) -> Tensor:
        """How far posteriors [..., 40] of the frame's phones shut the lips for P, B or M: 0..1."""
        wanted, cost = (phones @ self.odds).unbind(-1)
        return wanted / (wanted + cost).clamp(min=1e-6)

    def _phones(self, window: Tensor, present: Tensor) -> Tensor:
        """The frame's phones [..., 40], as the newest frame present has heard them."""
        ahead = present[..., PAST_FRAMES + 1 :].sum(-1)
        posteriors = window[..., PAST_FRAMES:, -HINDSIGHTS * len(PHONES) :]
        by_phone = posteriors.reshape(*posteriors.shape[:-2], -1, len(PHONES))
        # Head h of the frame in slot h, counted from the frame that is shown.
        now = by_phone[..., :: HINDSIGHTS + 1, :]
        newest = ahead[..., None, None].expand(*now.shape[:-2], 1, len(PHONES))
        return now.gather(-2, newest)[..., 0, :]

    def parting(self) -> Tensor:
        """The likeliest code [16] that parts the lips by one eye distance: the nearest to rest,
        differences counted in each number's own spread (Mahalanobis)."""
        gap = self._gap()
        likely = self.scale.square() * gap
        return likely / (likely @ gap).clamp(min=1e-9)

    def _opening(self, code: Tensor) -> Tensor:
        """The part of a code [..., 16] that parts the lips; what is left stays round or wide."""
        widest = (code @ self._gap()).clamp(min=0)
        return widest[..., None] * self.parting()

    def _gap(self) -> Tensor:
        """How much each number of a code [16] parts the lips, in eye distances."""
        return self.basis[:, LOWER_LIP, 1] - self.basis[:, UPPER_LIP, 1]

    def landmarks(self, code: Tensor) -> Tensor:
        """Code [..., 16] -> landmark displacements [..., 478, 3] in eye distances."""
        return torch.einsum("...k,kpd->...pd", code, self.basis)


class LipStep(nn.Module):
    """One frame of sound -> the lip code of `lookahead_frames` ago, and what is remembered for the
    next: a function of tensors alone, which runs for many sessions, is exported and captured.

    The memory is a list of float32 [N, ...]: what the encoder keeps, and last the frames that the
    lip decoder sees, [N, 6, E + 1], each followed by 1; zeros stand for what was not heard yet.
    """

    def __init__(self, encoder: AudioEncoder, lips: LipDecoder, lookahead_frames: int) -> None:
        super().__init__()
        if not 0 <= lookahead_frames <= MAX_LOOKAHEAD_FRAMES:
            raise ValueError(
                f"lookahead must be 0 to {MAX_LOOKAHEAD_FRAMES} frames, found {lookahead_frames}"
            )
        self.encoder, self.lips = encoder.eval(), lips.eval()
        self._present = PAST_FRAMES + 1 + lookahead_frames

    def start(self, sessions: int = 1) -> list[Tensor]:
        """The memory after endless silence."""
        state = self.encoder.start(sessions)
        heard = state.hidden[0].new_zeros(sessions, SLOTS, self.encoder.config.outputs + 1)
        return [*state.stem, *state.hidden, heard]

    def forward(
        self, mel: Tensor, *memory: Tensor, habit: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """log-mel float32 [N, 4, 80] and the memory -> code float32 [N, 16] and the memory after.

        As long as the frame to be shown was not heard, the code is rest. `habit` as in LipDecoder.
        """
        layers = len(self.encoder.stem)
        *kept, heard = memory
        found, state = self.encoder(mel, EncoderState(kept[:layers], kept[layers:]))
        newest = F.pad(found.e, (0, 1), value=1.0)
        heard = torch.cat([heard[:, 1 : self._present], newest, heard[:, self._present :]], 1)
        present = heard[..., -1]
        code = self.lips(heard[..., :-1], present.bool(), habit) * present[:, PAST_FRAMES, None]
        return code, *state.stem, *state.hidden, heard


@dataclass
class LipReaderState:
    """All that a LipReader remembers of the sound it was given."""

    mel: LogMel
    easing: RestEasing
    memory: list[Tensor]


class LipReader:
    """Sound in, lip code out, one frame a step: what the engine drives the mask with.

    Step k takes the sound of frame k and returns the code of frame k - lookahead, so the codes of
    the first `lookahead` steps are rest. Before step 0 there was silence.
    """

    def __init__(self, encoder: AudioEncoder, decoder: LipDecoder, lookahead_frames: int) -> None:
        self._step = LipStep(encoder, decoder, lookahead_frames)
        self.reset()

    def reset(self) -> None:
        """Forgets everything heard."""
        with torch.inference_mode():
            self._state = LipReaderState(LogMel(), RestEasing(), self._step.start())

    @torch.inference_mode()
    def push(self, frame: Sound, habit: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """int16 [640] -> lip code float32 [16]; raises ValueError on any other length.

        `habit` is the speaker's, as in LipDecoder.
        """
        state = self._state
        mel = torch.from_numpy(state.mel.push(frame))[None]
        (gain,) = state.easing.push(frame[None])
        own = None if habit is None else torch.from_numpy(habit)
        code, *state.memory = self._step(mel, *state.memory, habit=own)
        return np.asarray(code[0].numpy() * np.float32(gain))
