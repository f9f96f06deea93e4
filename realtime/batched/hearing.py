"""What `LipReader` does, for many sessions at once: their sound in, their lip codes out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from realtime.audio.mel import BANDS, HOPS_PER_FRAME
from realtime.batched.log_mel import LogMels
from realtime.models.audio_encoder import AudioEncoder
from realtime.models.lip_code import LipDecoder, LipStep

Compiler = Callable[[nn.Module, tuple[Tensor, ...]], nn.Module]


class Hearing(nn.Module):
    """Every session's newest sound -> the lip code of `lookahead_frames` ago.

    The networks are used as they are, and move with this to another device. All that is remembered
    is in buffers that a step overwrites in place, and nothing depends on what they hold: a step can
    be captured as a CUDA graph.
    """

    def __init__(
        self, encoder: AudioEncoder, lips: LipDecoder, sessions: int, lookahead_frames: int
    ) -> None:
        super().__init__()
        self.log_mels = LogMels(sessions)
        self._plain = LipStep(encoder, lips, lookahead_frames)
        self._step: nn.Module = self._plain
        memory = self._plain.start(sessions)
        self._names = [f"memory{place}" for place in range(len(memory))]
        for name, start in zip(self._names, memory, strict=True):
            self.register_buffer(name, start.clone())

    @torch.no_grad()
    def forward(self, sound: Tensor, gain: Tensor) -> Tensor:
        """sound int16 [N, 640] and gain float32 [N], 0 at rest .. 1 -> lip codes float32 [N, 16].

        The first `lookahead_frames` steps of a session are rest.
        """
        memory = self._memory()
        code: Tensor
        code, *after = self._step(self.log_mels(sound), *memory)
        for kept, newer in zip(memory, after, strict=True):
            kept.copy_(newer)
        return code * gain[:, None]

    def compile_by(self, compiler: Compiler) -> None:
        """From now on the networks are what the compiler makes of them for tensors like the given
        ones, on the device where they lie now."""
        memory = self._memory()
        mel = memory[0].new_zeros(len(memory[0]), HOPS_PER_FRAME, BANDS)
        self._step = compiler(self._plain, (mel, *memory))

    @torch.no_grad()
    def reset(self, session: int) -> None:
        """The session forgets everything heard."""
        self.log_mels.reset(session)
        for kept, silent in zip(self._memory(), self._plain.start(), strict=True):
            kept[session] = silent[0]

    def _memory(self) -> list[Tensor]:
        return [self.get_buffer(name) for name in self._names]
