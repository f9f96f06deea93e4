"""A meter of finished videos that is somebody else's: run as a command, read, and tabulated."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import InputError

_MEASURED = (0, 1)  # exit codes: all gates passed, or not all


@dataclass(frozen=True)
class Verdict:
    """What a meter says of one video: numbers by name, and the names of the gates it misses."""

    metrics: Mapping[str, float]
    missed: frozenset[str]


@dataclass(frozen=True)
class OutsideMeter:
    """`command` VIDEO --json FILE [--phones TSV] [--portrait PICTURE] [--gates JSON].

    It writes {"metrics": {name: number or null}, "failures": ["name: why"]} and exits with 0, or
    with 1 when a gate is missed. gates: a JSON file, {name: {"min": x, "max": y}}.
    """

    command: Sequence[str]
    gates: Path | None = None

    def measure(self, video: Path, **given: Path | None) -> Verdict:
        """The verdict, kept beside the video; given: phones, portrait. Raises InputError."""
        kept = video.with_suffix(".json")
        if not kept.is_file():
            partial = kept.with_suffix(".partial")
            self._run(video, partial, {"gates": self.gates, **given})
            partial.replace(kept)
        found = json.loads(kept.read_text("utf-8"))
        metrics = {name: value for name, value in found["metrics"].items() if value is not None}
        return Verdict(metrics, frozenset(line.split(":")[0] for line in found["failures"]))

    def _run(self, video: Path, out: Path, given: Mapping[str, Path | None]) -> None:
        words = [*self.command, video, "--json", out]
        for name, path in given.items():
            words += [f"--{name}", path] if path else []
        try:
            run = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        except OSError as error:
            raise InputError(f"cannot run {self.command[0]}: {error.strerror}") from error
        if run.returncode not in _MEASURED or not out.is_file():
            said = (run.stderr.strip().splitlines() or ["nothing"])[-1]
            raise InputError(f"expected the meter to measure {video.name}, it said: {said}")


def read_gates(path: Path) -> dict[str, dict[str, float]]:
    """Gates by the name of the metric, comments left out; raises InputError."""
    try:
        gates: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"expected gates as JSON in {path}, found {error}") from error
    return {name: gate for name, gate in gates.items() if isinstance(gate, dict)}


def gate_table(verdicts: Sequence[Verdict], gates: Mapping[str, Mapping[str, float]]) -> str:
    """Per gate the share of videos that pass, and quantiles of what was measured: Markdown."""
    lines = ["| gate | asked | pass | 10 % / median / 90 % |", "|---|---|---:|---|"]
    for name, gate in gates.items():
        asked = " to ".join(f"{gate[end]:g}" for end in ("min", "max") if end in gate)
        word = "" if {"min", "max"} <= gate.keys() else "at least " if "min" in gate else "at most "
        passed = np.mean([name not in verdict.missed for verdict in verdicts])
        seen = [each.metrics[name] for each in verdicts if name in each.metrics]
        spread = " / ".join(f"{q:.3g}" for q in np.quantile(seen, (0.1, 0.5, 0.9))) if seen else ""
        lines.append(f"| {name} | {word}{asked} | {passed:.0%} | {spread} |")
    return "\n".join(lines)


def metric_table(rows: Mapping[str, Verdict], names: Sequence[str]) -> str:
    """The named metrics of every video, and last their mean: Markdown."""
    lines = [f"| video | {' | '.join(names)} |", "|---" + "|---:" * len(names) + "|"]
    for row, verdict in rows.items():
        lines.append(_line(row, [verdict.metrics.get(name) for name in names]))
    lines.append(_line("**mean**", list(means(list(rows.values()), names).values())))
    return "\n".join(lines)


def means(verdicts: Sequence[Verdict], names: Sequence[str]) -> dict[str, float]:
    """The mean of each metric over the videos in which it could be measured."""
    return {
        name: float(np.mean([each.metrics[name] for each in verdicts if name in each.metrics]))
        for name in names
    }


def _line(head: str, values: Sequence[float | None]) -> str:
    cells = ("" if value is None else f"{value:.3g}" for value in values)
    return f"| {head} | {' | '.join(cells)} |"
