"""A network under OpenVINO against PyTorch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.models import openvino_graph

pytestmark = pytest.mark.skipif(not openvino_graph.installed(), reason="needs OpenVINO")


class Everything(nn.Module):
    """Two inputs, two outputs, and on the way to them every operator that is known."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.narrow = nn.Conv2d(5, 4, 3, stride=2, padding=1)
        self.enlarge = nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)
        self.table = nn.Parameter(torch.rand(3, 8, 6))

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        small = F.leaky_relu_(self.narrow(x).add_(y), 0.2)
        large = self.enlarge(small) * self.table
        smooth = F.avg_pool2d(large, 3, stride=1, padding=1) - F.avg_pool2d(large, 1)
        larger = F.interpolate(smooth, scale_factor=2.0, mode="bilinear", align_corners=False)
        mixed = torch.lerp(torch.full_like(smooth, 0.5), torch.sigmoid(smooth + 1), large)
        framed = F.pad(mixed[:, 1:], (1, 2, 3, 4)).clamp(0, 0.9)
        return torch.cat([larger, torch.tanh(2 * larger)], 1), framed.contiguous()


class Sorting(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort()[0]


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, x, alpha=2)


def test_every_operator_says_what_pytorch_computes() -> None:
    network = Everything().eval()
    blank, given = ((make(1, 5, 8, 6), make(1, 4, 4, 3)) for make in (torch.zeros, torch.randn))
    run = openvino_graph.compiled(network, blank, torch.float32, 1)
    with torch.no_grad():
        expected = network(*given)
    made = run(*given)
    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_graph_can_be_made_in_inference_mode() -> None:
    class Rounded(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(x.to(torch.float32))

    with torch.inference_mode():
        given = torch.randn(1, 5)
        (made,) = openvino_graph.compiled(Rounded(), (given,), torch.float32, 1)(given)
        torch.testing.assert_close(made, torch.tanh(given))


@pytest.mark.parametrize("network", [Sorting(), Doubled()], ids=["operator", "option"])
def test_what_is_not_known_is_refused(network: nn.Module) -> None:
    with pytest.raises(NotImplementedError, match="expected a known operator, found aten"):
        openvino_graph.compiled(network, (torch.zeros(1, 5),), torch.float32, 1)
