"""From sound to lip code, exported with fixed shapes, against eager; the generator's own test does
the same for a frame's layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from realtime.models.audio_encoder import AudioEncoder, AudioEncoderConfig
from realtime.models.lip_code import LipDecoder, LipDecoderConfig, LipStep


@pytest.mark.parametrize(("sessions", "ahead"), [(1, 0), (1, 3), (3, 2)])
def test_steps_of_encoder_and_lip_decoder(sessions: int, ahead: int) -> None:
    torch.manual_seed(0)
    encoder = AudioEncoder(AudioEncoderConfig(stem=(16, 24), width=32, features=8))
    lips = LipDecoder(LipDecoderConfig(inputs=encoder.config.outputs, width=16))
    lips.basis.normal_()
    step: nn.Module = LipStep(encoder, lips, ahead)
    mel = torch.randn(6, sessions, 4, 80)
    memory = expected = LipStep(encoder, lips, ahead).start(sessions)
    with torch.no_grad():
        exported = torch.export.export(step, (mel[0], *memory)).module()
        for place, frames in enumerate(mel):
            code, *memory = exported(frames, *memory)
            wanted, *expected = step(frames, *expected)
            assert wanted.any() == (place >= ahead)
            torch.testing.assert_close([code, *memory], [wanted, *expected], rtol=1e-5, atol=1e-5)
