"""Numbers that users move, each between its ends."""

from __future__ import annotations

from collections.abc import Mapping

Range = tuple[float, float]


def demand_within(values: Mapping[str, float], ranges: Mapping[str, Range]) -> None:
    """Raises ValueError for the first value outside the range of its name."""
    for name, value in values.items():
        low, high = ranges[name]
        if not low <= value <= high:
            raise ValueError(f"expected {name} of {low:g} to {high:g}, found {value:g}")
