"""What `LipReader` does, for many sessions at once: their sound in, their lip codes out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.batched.log_mel import LogMels
from realtime.models.audio_encoder import AudioEncoder, EncoderState
from realtime.models.lip_code import PAST_FRAMES, SLOTS, LipDecoder


class Hearing(nn.Module):
    """Every session's newest sound -> the lip code of `lookahead_frames` ago.

    The networks are used as they are, and move with this to another device. All that is remembered
    is in buffers that a step overwrites in place, and nothing depends on what they hold: a step can
    be captured as a CUDA graph. `heard` float32 [N, 6, E + 1] is what the lip decoder sees, each
    frame followed by 1; zeros stand for what was not heard yet.
    """

    hidden: Tensor
    heard: Tensor

    def __init__(
        self, encoder: AudioEncoder, lips: LipDecoder, sessions: int, lookahead_frames: int
    ) -> None:
        super().__init__()
        self.log_mels = LogMels(sessions)
        self.encoder, self.lips = encoder.eval(), lips.eval()
        self._present = PAST_FRAMES + 1 + lookahead_frames
        start = encoder.start(sessions)
        for layer, past in enumerate(start.stem):
            self.register_buffer(f"stem{layer}", past.clone())
        self.register_buffer("hidden", start.hidden)
        self.register_buffer("heard", torch.zeros(sessions, SLOTS, encoder.config.outputs + 1))

    @torch.no_grad()
    def forward(self, sound: Tensor, gain: Tensor) -> Tensor:
        """sound int16 [N, 640] and gain float32 [N], 0 at rest .. 1 -> lip codes float32 [N, 16].

        The first `lookahead_frames` steps of a session are rest.
        """
        before = EncoderState(self._stem(), self.hidden)
        heard, after = self.encoder(self.log_mels(sound), before)
        for past, newer in zip(before.stem, after.stem, strict=True):
            past.copy_(newer)
        self.hidden.copy_(after.hidden)
        newest = F.pad(heard.e, (0, 1), value=1.0)
        slots = self.heard[:, : self._present]
        slots.copy_(torch.cat([slots[:, 1:], newest], 1))
        present = self.heard[..., -1]
        code: Tensor = self.lips(self.heard[..., :-1], present.bool())
        return code * (gain * present[:, PAST_FRAMES])[:, None]

    @torch.no_grad()
    def reset(self, session: int) -> None:
        """The session forgets everything heard."""
        self.log_mels.reset(session)
        start = self.encoder.start()
        for past, silent in zip(self._stem(), start.stem, strict=True):
            past[session] = silent[0]
        self.hidden[:, session] = 0
        self.heard[session] = 0

    def _stem(self) -> list[Tensor]:
        return [self.get_buffer(f"stem{layer}") for layer in range(len(self.encoder.stem))]
