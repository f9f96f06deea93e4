"""Encoder and lip decoder exported with fixed shapes, against eager."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from realtime.models.audio_encoder import AudioEncoder, AudioEncoderConfig, EncoderState
from realtime.models.lip_code import SLOTS, LipDecoder, LipDecoderConfig


class OneFrame(nn.Module):
    """The encoder's step of one frame, its state as plain tensors: what an export can take."""

    def __init__(self, encoder: AudioEncoder) -> None:
        super().__init__()
        self._encoder = encoder

    def forward(self, mel: Tensor, stem: list[Tensor], hidden: Tensor) -> tuple[Tensor, ...]:
        heard, state = self._encoder(mel, EncoderState(stem, hidden))
        return heard.e, heard.logits, *state.stem, state.hidden


def exported(network: nn.Module, *inputs: object) -> nn.Module:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.export.export(network.eval(), inputs).module()


def test_encoder_step_by_step() -> None:
    torch.manual_seed(0)
    encoder = AudioEncoder(AudioEncoderConfig(stem=(16, 24), width=32, features=8)).eval()
    network = OneFrame(encoder)
    start = encoder.start()
    mel = torch.randn(3, 1, 4, 80)
    graph = exported(network, mel[0], start.stem, start.hidden)
    stem, hidden, state = start.stem, start.hidden, start
    with torch.inference_mode():
        for frame in mel:
            e, logits, *stem, hidden = graph(frame, stem, hidden)
            heard, state = encoder(frame, state)
            torch.testing.assert_close(e, heard.e, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(logits, heard.logits, rtol=1e-5, atol=1e-5)


def test_lip_decoder() -> None:
    torch.manual_seed(0)
    inputs = AudioEncoderConfig(features=8).outputs
    lips = LipDecoder(LipDecoderConfig(inputs=inputs, width=16)).eval()
    window, present = torch.rand(1, SLOTS, inputs), torch.tensor([[True] * (SLOTS - 1) + [False]])
    graph = exported(lips, window, present)
    with torch.inference_mode():
        code = lips(window, present)
        torch.testing.assert_close(graph(window, present), code, rtol=1e-5, atol=1e-5)
