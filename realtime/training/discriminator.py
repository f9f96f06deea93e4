"""The adversary of the generator: tells patches of photographs from patches it made."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTHS = (3, 24, 48, 96, 96)


class PatchDiscriminator(nn.Module):
    """Logits of patches (Isola et al. 2017), above 0 where they look like a photograph's."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(into, out, 4, stride=2, padding=1)
            for into, out in itertools.pairwise(_WIDTHS)
        )
        self.last = nn.Conv2d(_WIDTHS[-1], 1, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        """RGB [N, 3, h, w], 0..1, sides multiples of 16 -> [N, 1, h / 16, w / 16]."""
        x = 2 * picture - 1
        for convolution in self.down:
            x = F.leaky_relu(convolution(x), 0.2)
        logits: Tensor = self.last(x)
        return logits


def deceiving_loss(made: Tensor) -> Tensor:
    """What the generator minds: logits of what it made, non-saturating (Goodfellow et al. 2014)."""
    return F.softplus(-made).mean()


def telling_loss(real: Tensor, made: Tensor) -> Tensor:
    """What the discriminator minds: logits of photographs and of what was made."""
    return F.softplus(-real).mean() + F.softplus(made).mean()


def r1_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Half the squared gradient at photographs [N, 3, h, w] (R1, Mescheder et al. 2018).

    Per patch: the sum over the picture is shared out among its logits.
    """
    watched = real.detach().requires_grad_(True)
    logits = discriminator(watched)
    (slope,) = torch.autograd.grad(logits.sum(), watched, create_graph=True)
    return torch.as_tensor(0.5 * slope.square().sum() / logits.numel())
