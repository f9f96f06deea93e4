from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from realtime.beside import elsewhere, step_aside


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    threads, interval = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(3)
    sys.setswitchinterval(0.005)  # Python's own: others in this process may have stepped aside
    with ThreadPoolExecutor(1, initializer=step_aside) as executor:
        yield executor
    torch.set_num_threads(threads)
    sys.setswitchinterval(interval)


def test_one_core_for_who_steps_aside_and_all_for_others(aside: ThreadPoolExecutor) -> None:
    assert aside.submit(torch.get_num_threads).result() == 1
    assert torch.get_num_threads() == 3
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 3


def test_from_aside_one_may_ask_how_many_cores_others_have(aside: ThreadPoolExecutor) -> None:
    assert aside.submit(elsewhere, torch.get_num_threads).result() == 3


def test_the_interpreter_is_handed_over_sooner(aside: ThreadPoolExecutor) -> None:
    assert aside.submit(sys.getswitchinterval).result() <= 0.001


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_who_steps_aside_gives_way(aside: ThreadPoolExecutor) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    assert aside.submit(niceness).result() == max(10, before)
    assert niceness() == before
