"""All networks of the live path, built from one file of weights and shared by every session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from realtime.models.audio_encoder import AudioEncoder, AudioEncoderConfig
from realtime.models.generator import Generator
from realtime.models.lip_code import LipDecoder, LipDecoderConfig
from realtime.models.style_encoder import StyleEncoder
from realtime.models.weights import Weights

_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True)
class Networks:
    """Ready for inference; `digest` names the weights they were built from."""

    encoder: AudioEncoder
    lips: LipDecoder
    style: StyleEncoder
    generator: Generator
    digest: str

    @classmethod
    def restore(cls, weights: Weights) -> Networks:
        """Builds every network; raises ModelError when the weights do not fit."""

        def ready(name: str, network: _Network) -> _Network:
            weights.restore(name, network)
            return network

        return cls(
            ready("encoder", AudioEncoder(AudioEncoderConfig(**_tuples(weights, "encoder")))),
            ready("lips", LipDecoder(LipDecoderConfig(**_tuples(weights, "lips")))),
            ready("style", StyleEncoder()),
            ready("generator", Generator()),
            weights.digest,
        )

    @torch.inference_mode()
    def codes(self, photo: NDArray[np.float32], mask: NDArray[np.float32]) -> NDArray[np.float32]:
        """Style codes [12, 64] of a photograph [3, 256, 256], RGB 0..1, and mask [12, 256, 256]."""
        codes = self.style(torch.from_numpy(photo)[None], torch.from_numpy(mask)[None])[0]
        return np.asarray(codes.numpy(), np.float32)


def _tuples(weights: Weights, network: str) -> dict[str, Any]:
    """A configuration as it was before JSON made lists of its tuples."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in weights.config(network).items()
    }
