"""Tests marked `landmarker` need MediaPipe's model file; without it they are left out, aloud."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from realtime.enroll.landmarks import MODEL_NAME, Landmarker, cache_folder, find_model
from realtime.errors import ModelError


def _missing() -> str | None:
    """Why the model cannot be used without fetching it; None if it can."""
    if not os.environ.get("AVATAR_LANDMARKER"):
        cached = cache_folder(os.environ) / MODEL_NAME
        if not cached.is_file():
            return f"AVATAR_LANDMARKER is not set and {cached} is absent"
    try:
        find_model(None, os.environ)
    except ModelError as error:
        return str(error)
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("landmarker")]
    why = _missing() if marked else None
    if why is None:
        return
    items[:] = [item for item in items if item not in marked]
    config.hook.pytest_deselected(items=marked)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"{len(marked)} tests left out: {why}", yellow=True)


@pytest.fixture(scope="session")
def landmarker() -> Iterator[Landmarker]:
    with Landmarker(find_model(None, os.environ)) as found:
        yield found
