"""What a call needs of this machine: each thing looked at, and what to type where it is missing."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.text import Text

from realtime.audio.portaudio import Device, PortAudio
from realtime.clock import FRAME_MS
from realtime.errors import InputError, OutputError
from realtime.outputs import v4l2loopback
from realtime.outputs.camera import (
    INSTALL_EXTRA,
    Camera,
    install_command,
)
from realtime.outputs.pulse import pactl
from realtime.outputs.virtual_microphone import INSTALL_LOOPBACK, LOOPBACKS

_BUDGET_STEPS = 50
_MAKE_CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=$(hostname) "
    "-keyout key.pem -out cert.pem, then web --cert cert.pem --key key.pem"
)
_STYLES = {"ok": "green", "note": "yellow", "fail": "red"}
_START_FIRST = "start webcam before the call app: Chrome sees a camera only once it sends"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `fix` says what to type, and is empty when all is well."""

    name: str
    state: Literal["ok", "note", "fail"]
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Subject:
    """What is looked at: `step` is one step of the engine, `gpu` the one PyTorch can use, `root`
    holds /sys, /proc and /dev."""

    step: Callable[[], object]
    gpu: str | None
    port: int
    certificate: Path | None = None
    key: Path | None = None
    platform: str = sys.platform
    root: Path = field(default_factory=lambda: Path("/"))
    clock: Callable[[], float] = time.perf_counter


def doctor(subject: Subject) -> list[Check]:
    """Looks at everything; never raises for what is missing."""
    return [
        check_microphone(),
        check_camera(subject.platform, subject.root),
        check_virtual_microphone(subject.platform),
        check_budget(subject.step, subject.clock),
        check_gpu(subject.gpu, subject.root),
        check_port(subject.port),
        check_tls(subject.certificate, subject.key),
    ]


def print_checks(checks: list[Check], console: Console) -> None:
    """A line for every check, its fix on a line of its own, never wrapped: it is to be copied."""
    for check in checks:
        line = Text(f"{check.state:>4}  ", _STYLES[check.state]).append(check.name, "bold")
        console.print(line.append(f"  {check.found}", "default"), soft_wrap=True)
        if check.fix:
            console.print(Text(f"      {check.fix}"), soft_wrap=True)


def check_microphone() -> Check:
    """Which microphones there are, with the numbers --microphone takes."""
    try:
        found = PortAudio().devices("input")
    except InputError as error:
        return Check("microphone", "fail", "no sound cards can be reached", str(error))
    if not found:
        return Check("microphone", "fail", "no device has an input", "plug in a microphone")
    return Check("microphone", "ok", _listed(found))


def _listed(devices: list[Device]) -> str:
    return ", ".join(f"{device.number} {device.name}" for device in devices)


def check_camera(platform: str, root: Path) -> Check:
    """The virtual camera: on Linux each of its stumbling blocks, elsewhere by opening it."""
    if find_spec("pyvirtualcam") is None:
        return Check("virtual camera", "fail", "pyvirtualcam is missing", INSTALL_EXTRA)
    if platform == "linux":
        return _check_v4l2loopback(root)
    try:
        with Camera() as camera:
            return Check("virtual camera", "ok", camera.name)
    except OutputError as error:
        return Check("virtual camera", "fail", str(error), install_command(platform))


def _check_v4l2loopback(root: Path) -> Check:
    name = "virtual camera"
    if not v4l2loopback.is_loaded(root):
        return Check(name, "fail", "v4l2loopback is not loaded", v4l2loopback.INSTALL)
    exclusive = root / "sys/module/v4l2loopback/parameters/exclusive_caps"
    if "Y" not in exclusive.read_text().split(",")[0]:
        found = "exclusive_caps is off: Chrome will not list the camera"
        return Check(name, "fail", found, v4l2loopback.RELOAD)
    devices = v4l2loopback.devices(root)
    if not devices:
        return Check(name, "fail", "v4l2loopback has no device", v4l2loopback.RELOAD)
    barred = [device for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    if barred:
        fix = "sudo usermod -aG video $USER, then log out and in"
        return Check(name, "fail", f"{barred[0]} may not be written", fix)
    if all(v4l2loopback.is_taken(device) for device in devices):
        found = f"a program sends to {devices[0]}, or was killed while it did"
        return Check(name, "fail", found, f"end it; if there is none, {v4l2loopback.RELOAD}")
    return Check(name, "ok", f"{', '.join(map(str, devices))}; {_START_FIRST}")


def check_virtual_microphone(platform: str) -> Check:
    """Whether a microphone with the picture's delay can be made or is there."""
    name = "virtual microphone"
    try:
        if platform in LOOPBACKS:
            return Check(name, "ok", PortAudio().find(LOOPBACKS[platform], "output").name)
        server = pactl("info")
    except (InputError, OutputError) as error:
        fix = INSTALL_LOOPBACK.get(platform, "start PulseAudio or PipeWire, as your own user")
        return Check(name, "fail", str(error), f"{fix}; until then webcam --lookahead-ms 0")
    names = [line for line in server.splitlines() if line.startswith("Server Name:")]
    return Check(name, "ok", names[0].partition(": ")[2] if names else "a sound server answers")


def check_budget(step: Callable[[], object], clock: Callable[[], float]) -> Check:
    """Whether 50 steps of the engine leave room in 40 ms a frame: 19 of 20 must."""
    took_ms = []
    for _ in range(_BUDGET_STEPS):
        start = clock()
        step()
        took_ms.append(1000 * (clock() - start))
    half, most = (float(value) for value in np.quantile(took_ms, (0.5, 0.95)))
    found = f"a step takes {half:.1f} ms, 19 of 20 at most {most:.1f} ms, of {FRAME_MS} ms a frame"
    if most < FRAME_MS:
        return Check("computing", "ok", found)
    return Check("computing", "fail", found, "end other programs, or choose a smaller --size")


def check_gpu(usable: str | None, root: Path) -> Check:
    """Whether there is a GPU that PyTorch leaves alone; none is needed."""
    if usable is not None:
        return Check("GPU", "ok", usable)
    if (root / "proc/driver/nvidia/version").exists():
        found = "an NVIDIA driver, and a PyTorch that cannot use it"
        return Check("GPU", "note", found, "pip install --force-reinstall torch")
    return Check("GPU", "ok", "none, and none is needed")


def check_port(port: int) -> Check:
    """Whether the page can be served on `port`, and media sent from any UDP port."""
    for kind, number in ((socket.SOCK_STREAM, port), (socket.SOCK_DGRAM, 0)):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", number))
            except OSError as error:
                found = f"port {number} cannot be used: {error.strerror}"
                return Check("ports", "fail", found, "web --port with another number")
    return Check("ports", "ok", f"{port} for the page and UDP for media are free")


def check_tls(certificate: Path | None, key: Path | None) -> Check:
    """Whether a browser on another machine will let the page use the microphone."""
    if certificate is None:
        found = "no certificate: the page works on this machine only"
        return Check("TLS", "note", found, _MAKE_CERTIFICATE)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one, too.
        found = f"{certificate} cannot be used: {error.strerror or error}"
        return Check("TLS", "fail", found, _MAKE_CERTIFICATE)
    return Check("TLS", "ok", str(certificate))
