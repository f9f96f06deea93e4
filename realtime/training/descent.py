"""Training by steps: AdamW, a rate that rises, stays and falls, checkpoints to go on from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import Progress
from torch import Tensor, nn

from realtime.training.checkpoint import load_checkpoint, save_checkpoint

Losses = dict[str, Tensor]

_WARM_STEPS, _LARGEST_GRADIENT = 150, 1.0
_BETAS, _DECAY = (0.9, 0.98), 0.01


@dataclass(frozen=True)
class Plan:
    """How long and how fast: `rate` stays until the share `fall_from` of all steps is done, then
    falls to zero; so a run may be resumed with more steps."""

    steps: int
    rate: float
    fall_from: float = 0.65
    save_every: int = 100

    def rate_at(self, step: int) -> float:
        left = (self.steps - step) / (self.steps * (1 - self.fall_from))
        return self.rate * min(1.0, (step + 1) / _WARM_STEPS, left)


def descend(
    name: str,
    networks: nn.Module,
    losses_at: Callable[[int], Losses],
    plan: Plan,
    *,
    checkpoint: Path,
    resume: bool,
    progress: Progress,
) -> None:
    """Takes the steps of `plan`; `losses_at(step)` are summed. resume: go on from `checkpoint`.

    What is random in step n must come from n, then a resumed run equals an unbroken one.
    """
    adam = torch.optim.AdamW(networks.parameters(), plan.rate, _BETAS, weight_decay=_DECAY)
    start = _resume(checkpoint, networks, adam) if resume else 0
    task = progress.add_task(name, total=plan.steps, completed=start, note="")
    for step in range(start, plan.steps):
        losses = losses_at(step)
        _learn(adam, networks, torch.stack([*losses.values()]).sum(), plan.rate_at(step))
        note = "  ".join(f"{what} {loss.item():.3f}" for what, loss in losses.items())
        progress.update(task, advance=1, note=note)
        if (step + 1) % plan.save_every == 0 or step + 1 == plan.steps:
            progress.print(f"step {step + 1}: {note}")
            parts = {"networks": networks.state_dict(), "optimiser": adam.state_dict()}
            save_checkpoint(checkpoint, {**parts, "step": step + 1})


def _learn(
    optimiser: torch.optim.Optimizer, networks: nn.Module, loss: Tensor, rate: float
) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(networks.parameters(), _LARGEST_GRADIENT)
    optimiser.step()


def _resume(path: Path, networks: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    state = load_checkpoint(path, torch.device("cpu"))
    networks.load_state_dict(state["networks"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
