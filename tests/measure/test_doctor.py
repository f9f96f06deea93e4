from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from realtime.measure.doctor import (
    Check,
    Subject,
    check_budget,
    check_camera,
    check_gpu,
    check_microphone,
    check_port,
    check_tls,
    check_virtual_microphone,
    doctor,
    print_checks,
)
from realtime.outputs import v4l2loopback
from tests.audio.sound_cards import FakeSoundDevice


def linux(root: Path, exclusive_caps: str = "Y,N", devices: int = 1) -> Path:
    """A system with v4l2loopback loaded, as far as files show it."""
    parameters = root / "sys/module/v4l2loopback/parameters"
    parameters.mkdir(parents=True)
    (parameters / "exclusive_caps").write_text(exclusive_caps)
    (root / "dev").mkdir()
    for number in range(devices):
        (root / f"sys/devices/virtual/video4linux/video{number}").mkdir(parents=True)
        (root / f"dev/video{number}").touch()
    return root


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    fake = FakeSoundDevice(["laptop", "out BlackHole 2ch"])
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr("realtime.measure.doctor.find_spec", lambda _: object())
    return fake


def test_microphones_are_listed_with_their_numbers(library: FakeSoundDevice) -> None:
    assert check_microphone() == Check("microphone", "ok", "0 laptop")
    library.names.clear()
    assert check_microphone().fix == "plug in a microphone"


@pytest.mark.usefixtures("library")
def test_a_camera_that_is_ready_reminds_of_the_order(tmp_path: Path) -> None:
    check = check_camera("linux", linux(tmp_path))
    assert check.state == "ok"
    assert "video0" in check.found
    assert "before the call app" in check.found


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("exclusive_caps", "devices", "found", "fix"),
    [
        ("N,N", 1, "exclusive_caps is off", "sudo modprobe -r v4l2loopback && sudo modprobe"),
        ("Y", 0, "no device", "sudo modprobe v4l2loopback"),
    ],
)
def test_every_stumbling_block_has_its_fix(
    tmp_path: Path, exclusive_caps: str, devices: int, found: str, fix: str
) -> None:
    check = check_camera("linux", linux(tmp_path, exclusive_caps, devices))
    assert check.state == "fail"
    assert found in check.found
    assert fix in check.fix


@pytest.mark.usefixtures("library")
def test_a_module_that_is_not_loaded_has_its_fix(tmp_path: Path) -> None:
    assert "apt install v4l2loopback-dkms" in check_camera("linux", tmp_path).fix


@pytest.mark.usefixtures("library")
def test_a_device_that_is_taken_has_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.outputs.v4l2loopback.is_taken", lambda _: True)
    check = check_camera("linux", linux(tmp_path))
    assert "was killed" in check.found
    assert check.fix.endswith(v4l2loopback.RELOAD)


@pytest.mark.usefixtures("library")
def test_a_device_one_may_not_write_has_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "usermod -aG video" in check_camera("linux", linux(tmp_path)).fix


def test_without_pyvirtualcam_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.measure.doctor.find_spec", lambda _: None)
    assert "segtalker-live[webcam]" in check_camera("linux", tmp_path).fix


def test_the_loopback_device_of_the_system_is_looked_for(library: FakeSoundDevice) -> None:
    assert check_virtual_microphone("darwin").found == "out BlackHole 2ch"
    library.names.pop()
    check = check_virtual_microphone("darwin")
    assert "brew install blackhole-2ch" in check.fix
    assert "--lookahead-ms 0" in check.fix


@pytest.mark.parametrize(("step_ms", "state"), [(20, "ok"), (39, "ok"), (41, "fail")])
def test_the_budget_is_40_ms_a_frame(step_ms: int, state: str) -> None:
    now = [0.0]

    def step() -> None:
        now[0] += step_ms / 1000

    check = check_budget(step, lambda: now[0])
    assert check.state == state
    assert f"{step_ms}.0 ms" in check.found


def test_a_gpu_that_is_left_alone_has_its_fix(tmp_path: Path) -> None:
    assert check_gpu("a card", tmp_path) == Check("GPU", "ok", "a card")
    assert check_gpu(None, tmp_path).state == "ok"
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    (tmp_path / "proc/driver/nvidia/version").touch()
    check = check_gpu(None, tmp_path)
    assert (check.state, check.fix) == ("note", "pip install --force-reinstall torch")


def test_a_port_in_use_has_its_fix() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        assert "--port" in check_port(taken.getsockname()[1]).fix
    assert check_port(0).state == "ok"


def test_tls_needs_a_certificate_with_its_key(tmp_path: Path) -> None:
    assert check_tls(None, None).state == "note"
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    assert check_tls(certificate, key).state == "fail"
    certificate.write_text("not a certificate")
    assert check_tls(certificate, None).state == "fail"
    request = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=here"
    subprocess.run(
        [*request.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    assert check_tls(certificate, key).state == "ok"


def test_the_doctor_looks_at_everything_wherever_it_is() -> None:
    checks = doctor(Subject(step=lambda: None, gpu=None, port=0))
    assert [check.name for check in checks] == [
        "microphone",
        "virtual camera",
        "virtual microphone",
        "computing",
        "GPU",
        "ports",
        "TLS",
    ]
    assert all(check.fix for check in checks if check.state != "ok")


def test_a_fix_is_printed_as_it_must_be_typed() -> None:
    fix = "pip install " + "very-long-name " * 10 + '"segtalker-live[webcam]"'
    console = Console(width=40)
    with console.capture() as captured:
        print_checks([Check("camera", "fail", "missing", fix)], console)
    assert fix in captured.get()
