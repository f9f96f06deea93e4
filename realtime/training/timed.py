"""Training by the clock: a rate that warms up and falls, an average that follows, checkpoints."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from realtime.models.weights import Weights
from realtime.training.checkpoint import load_checkpoint, save_checkpoint

Batch = Mapping[str, Tensor]

_RATE, _WARM_STEPS = 2e-3, 100
_AVERAGE = 0.995
_BATCHES_AHEAD = 4  # of each process that makes them
_SAVE_EVERY_S = 120.0


@dataclass(frozen=True)
class SeededBatches(Dataset[dict[str, Tensor]]):
    """Batch number n, always the same for a seed: n from `first` on, without an end."""

    seed: int
    first: int

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.draw(np.random.default_rng((self.seed, self.first + index)))

    def draw(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """One batch."""
        raise NotImplementedError


@dataclass
class Run:
    """Where a training stands: everything that a checkpoint holds."""

    networks: nn.Module
    average: nn.Module
    adam: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def fresh(
        cls,
        make: Callable[[], nn.Module],
        optimiser: Callable[[nn.Module, float], torch.optim.Optimizer],
        device: torch.device,
    ) -> Run:
        """Networks as `make` gives them, and their equal average; `optimiser` is given the rate."""
        networks, average = make(), make()
        average.load_state_dict(networks.state_dict())
        average.requires_grad_(False)
        # oneDNN's convolutions want channels last; other layouts are copied at every layer.
        networks.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(networks, average.to(device), optimiser(networks, _RATE))

    def save(self, path: Path) -> None:
        parts = {name: getattr(self, name).state_dict() for name in ("networks", "average", "adam")}
        save_checkpoint(path, parts | {"step": self.step, "seconds": self.seconds})

    def load(self, path: Path, device: torch.device) -> None:
        state = load_checkpoint(path, device)
        for name in ("networks", "average", "adam"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]

    def begin_with(
        self, given: Weights, parts: Callable[[nn.Module], Iterable[tuple[str, nn.Module]]]
    ) -> None:
        """Puts weights into both networks, into each of their `parts` those of its name."""
        for network in (self.networks, self.average):
            for name, part in parts(network):
                given.restore(name, part)
        self.networks.train().requires_grad_(True)

    def about(self, seed: int) -> dict[str, float]:
        """What is kept beside the weights."""
        return {"seed": seed, "steps": self.step, "minutes": round(self.seconds / 60, 1)}

    def learn(self, loss: Tensor, rate: float, largest_gradient: float) -> float:
        """One step down the loss; moves the average; the loss."""
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.networks.parameters(), largest_gradient)
        self.adam.step()
        self.step += 1
        self._move_average()
        return float(loss.detach())

    @torch.no_grad()
    def _move_average(self) -> None:
        """The average follows the weights; early on it follows faster."""
        keep = min(_AVERAGE, self.step / (self.step + 10))
        for mean, value in zip(self.average.parameters(), self.networks.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)


def rate_at(run: Run, minutes: float) -> float:
    """The learning rate: a short warm-up, then half a cosine down to zero."""
    done = min(run.seconds / (60 * minutes), 1.0)
    return _RATE * min(1.0, (run.step + 1) / _WARM_STEPS) * 0.5 * (1 + math.cos(math.pi * done))


AnyRun = TypeVar("AnyRun", bound=Run)


@dataclass(frozen=True)
class Stint:
    """How long a run goes on, and where it is kept.

    out: the folder of `checkpoint.pt` and of what the training makes. minutes: in all, with those
    before the checkpoint. resume: go on from there. now: a monotonic clock in seconds.
    """

    out: Path
    minutes: float
    seed: int
    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    resume: bool = False
    now: Callable[[], float] = time.monotonic

    def begin(self, fresh: Callable[[torch.device], AnyRun]) -> AnyRun:
        """The run as its checkpoint left it, or anew."""
        run = self.anew(fresh)
        if self.resume:
            run.load(self._checkpoint, self.device)
        return run

    def anew(self, fresh: Callable[[torch.device], AnyRun]) -> AnyRun:
        """The run as `fresh` makes it, always the same for a seed."""
        self.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(self.seed)
        return fresh(self.device)

    def go_on(
        self,
        name: str,
        run: Run,
        source: Dataset[dict[str, Tensor]],
        train_step: Callable[[Batch, float], float],
        progress: Progress,
    ) -> None:
        """Steps until the time is up; `train_step` is given batch and rate, and gives the loss."""
        task = progress.add_task(name, total=self.minutes, note="")
        began, saved = self.now() - run.seconds, run.seconds
        for batch in batches(source, self.device):
            loss = train_step(batch, rate_at(run, self.minutes))
            run.seconds = self.now() - began
            note = f"step {run.step}  loss {loss:.4f}"
            progress.update(task, completed=run.seconds / 60, note=note)
            if run.seconds >= saved + _SAVE_EVERY_S:
                run.save(self._checkpoint)
                saved = run.seconds
            if run.seconds >= 60 * self.minutes:
                break
        run.save(self._checkpoint)

    @property
    def _checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"


def batches(source: Dataset[dict[str, Tensor]], device: torch.device) -> DataLoader[Any]:
    """The batches in their order; beside a GPU every core of this process but one makes
    some."""
    on_gpu, cores = device.type == "cuda", len(os.sched_getaffinity(0))
    return DataLoader(
        source,
        batch_size=None,
        num_workers=max(1, cores - 1) if on_gpu else 1,
        prefetch_factor=_BATCHES_AHEAD,
        pin_memory=on_gpu,
        worker_init_fn=_one_thread,
    )


def on_device(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def _one_thread(worker: int) -> None:  # noqa: ARG001
    cv2.setNumThreads(0)
