"""Work beside a live loop that must not slow it down."""

from __future__ import annotations

import os
import sys
import threading

import torch

_NICENESS = 10


def step_aside() -> None:
    """Makes the thread that calls this one give way: low priority where the system has it for
    threads, and one core for its networks."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
    torch.set_num_threads(1)
