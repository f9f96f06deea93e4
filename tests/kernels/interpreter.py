"""Triton's kernels on a CPU, in Triton's interpreter.

On a GPU they are compiled instead, and `tests/batched/test_on_gpu.py` asks them.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest
import torch

NEEDS_INTERPRETER = pytest.mark.skipif(
    find_spec("triton") is None or torch.cuda.is_available(),
    reason="Triton is absent, or compiles for a GPU",
)
TRITON = pytest.param("triton", marks=NEEDS_INTERPRETER)

# Read when a kernel is defined, which is when `impl="triton"` is first asked for.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
