"""Work beside a live loop that must not slow it down."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

T = TypeVar("T")
_NICENESS = 10
# A live step asks for the interpreter dozens of times, and may wait so long each time: Python's own
# 5 ms would double the step.
_HANDOVER_S = 0.0005


def step_aside() -> None:
    """Makes the thread that calls this one give way: low priority where the system has it for
    threads, one core for its networks, and the interpreter handed over sooner (by all threads)."""
    if sys.platform == "linux":
        own = os.PRIO_PROCESS, threading.get_native_id()
        os.setpriority(*own, max(_NICENESS, os.getpriority(*own)))
    sys.setswitchinterval(_HANDOVER_S)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # PyTorch takes that for every thread to come, too, until another thread unsays it.
    elsewhere(partial(torch.set_num_threads, threads))


def elsewhere(work: Callable[[], T]) -> T:
    """What `work` returns in a thread whose networks have as many cores as they had."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work).result()
