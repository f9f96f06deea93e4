from __future__ import annotations

from pathlib import Path

from realtime.measure.machine import cpu_name


def test_the_model_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Some CPU 9000\nflags\t: avx\n")
    assert cpu_name(file) == "Some CPU 9000"


def test_without_it_the_architecture(tmp_path: Path) -> None:
    assert cpu_name(tmp_path / "absent")
