"""Figures of the benchmarks, by matplotlib (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from realtime.errors import OutputError


def new_figure() -> Figure:
    """Empty, of the size of them all."""
    return Figure(figsize=(8, 6), layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a picture of the kind that the path's suffix says; raises OutputError."""
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {path}: {error}") from error
