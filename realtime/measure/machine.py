"""What the figures of a benchmark were measured on."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from realtime.errors import DeviceError


def gpu_name() -> str:
    """The first CUDA device's model; DeviceError where there is none."""
    if not torch.cuda.is_available():
        raise DeviceError("expected a CUDA GPU that PyTorch can use, found none")
    return torch.cuda.get_device_name()


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model; its architecture where the system does not tell."""
    try:
        lines = cpuinfo.read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
