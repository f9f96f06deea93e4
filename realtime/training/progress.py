"""How a training shows where it is."""

from __future__ import annotations

from rich.progress import Progress, TextColumn


def new_progress() -> Progress:
    """A progress bar whose tasks carry a note."""
    return Progress(*Progress.get_default_columns(), TextColumn("{task.fields[note]}"))
