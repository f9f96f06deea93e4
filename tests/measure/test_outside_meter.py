"""Somebody else's meter is run, read and tabulated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from realtime.errors import InputError
from realtime.measure.outside_meter import (
    OutsideMeter,
    Verdict,
    gate_table,
    metric_table,
    read_gates,
)

_METER = """
import json, pathlib, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
gates = json.loads(pathlib.Path(words["--gates"]).read_text()) if "--gates" in words else {}
metrics = {"size": len(pathlib.Path(sys.argv[1]).read_bytes()), "phones": words.get("--phones")}
failures = [f"{name}: too small" for name, gate in gates.items() if metrics[name] < gate["min"]]
pathlib.Path(words["--json"]).write_text(json.dumps({"metrics": metrics, "failures": failures}))
sys.exit(len(failures) > 0)
"""


@pytest.fixture
def meter(tmp_path: Path) -> OutsideMeter:
    """Measures a file's size, of which its gates ask 10."""
    program, gates = tmp_path / "meter.py", tmp_path / "gates.json"
    program.write_text(_METER)
    gates.write_text('{"size": {"min": 10}}')
    return OutsideMeter([sys.executable, str(program)], gates)


def test_its_verdict_is_kept_beside_the_video(meter: OutsideMeter, tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(bytes(7))
    verdict = meter.measure(video, phones=None)
    assert verdict == Verdict({"size": 7}, frozenset({"size"}))
    video.write_bytes(bytes(20))
    assert meter.measure(video) == verdict
    (tmp_path / "a.json").unlink()
    assert meter.measure(video) == Verdict({"size": 20}, frozenset())


def test_a_meter_that_fails_leaves_nothing_and_is_quoted(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    command = [sys.executable, "-c", "raise SystemExit('no face in it')"]
    for broken, said in ((command, "no face in it"), (["/nowhere/meter"], "cannot run")):
        with pytest.raises(InputError, match=said):
            OutsideMeter(broken).measure(video)
    assert not list(tmp_path.iterdir())


def test_gates_become_a_table(tmp_path: Path) -> None:
    (tmp_path / "gates.json").write_text(
        '{"_": "why", "sync": {"min": 0.2}, "jitter": {"max": 8}, "gap": {"min": 0.1, "max": 0.3}}'
    )
    gates = read_gates(tmp_path / "gates.json")
    verdicts = [
        Verdict({"sync": 0.3, "jitter": 9.0}, frozenset({"jitter"})),
        Verdict({"sync": 0.1, "jitter": 7.0}, frozenset({"sync"})),
    ]
    assert gate_table(verdicts, gates).splitlines()[2:] == [
        "| sync | at least 0.2 | 50% | 0.12 / 0.2 / 0.28 |",
        "| jitter | at most 8 | 50% | 7.2 / 8 / 8.8 |",
        "| gap | 0.1 to 0.3 | 100% |  |",
    ]
    with pytest.raises(InputError, match="expected gates as JSON"):
        read_gates(tmp_path / "none.json")


def test_means_are_of_what_was_measured() -> None:
    rows = {"a": Verdict({"x": 1.0, "y": 2.0}, frozenset()), "b": Verdict({"x": 3.0}, frozenset())}
    assert metric_table(rows, ("x", "y")).splitlines()[2:] == [
        "| a | 1 | 2 |",
        "| b | 3 |  |",
        "| **mean** | 2 | 2 |",
    ]
