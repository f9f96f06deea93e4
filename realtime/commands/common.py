"""What commands share: networks, engines, and how figures are told."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from realtime.backdrop import Background
from realtime.engine import Engine
from realtime.errors import OutputError
from realtime.frame import Picture
from realtime.gallery import AvatarGallery
from realtime.measure.bench_sessions import Crowd, plot
from realtime.models.networks import Networks
from realtime.models.renderer import Backend, chosen, measured
from realtime.models.weights import load_weights
from realtime.picture_bytes import encode_jpeg
from realtime.pose_track import PoseTrack

Arguments = argparse.Namespace

_AMPERE = 8, 0  # the first compute capability with bfloat16
ASSETS = Path(str(files("realtime") / "assets"))


def load_networks() -> Networks:
    return Networks.restore(load_weights())


def fastest_backend(networks: Networks) -> Backend:
    """What renders a face fastest on this machine; printed."""
    return gpu_backend() or fastest_on_cpu(networks)


def fastest_on_cpu(networks: Networks) -> Backend:
    """By a short measurement, which is printed."""
    rows = measured(networks.generator, time.perf_counter)
    backend = chosen(rows)
    figures = "; ".join(f"{each} {milliseconds:.1f} ms" for each, milliseconds in rows.items())
    print(f"{figures}: taking {backend}")
    leave_cores_to(backend)
    return backend


def gpu_backend() -> Backend | None:
    """A GPU, if PyTorch and Triton can use one that computes in bfloat16."""
    if not (torch.cuda.is_available() and find_spec("triton")):
        return None
    if torch.cuda.get_device_capability() < _AMPERE:
        return None
    print(f"The face: {torch.cuda.get_device_name()}")
    return Backend("cuda", torch.bfloat16)


def leave_cores_to(backend: Backend) -> None:
    """PyTorch keeps one core where OpenVINO renders the face.

    What is left to it is small: split among cores, it would wait for those that are taken.
    """
    if backend.name == "openvino":
        torch.set_num_threads(1)


def build_engine(
    networks: Networks,
    arguments: Arguments,
    backend: Backend,
    background: Background = None,
    track: PoseTrack | None = None,
) -> Engine:
    return Engine(
        networks,
        AvatarGallery(ASSETS).find(arguments.avatar),
        lookahead_ms=arguments.lookahead_ms,
        size=arguments.size,
        seed=arguments.seed,
        background=background,
        track=track,
        backend=backend,
    )


def report(result: dict[str, Any], json_file: Path | None) -> None:
    """Prints the figures of one flat object, and writes all of it as JSON if asked."""
    for key, value in result.items():
        if isinstance(value, list):
            continue
        print(f"{key:>24}  {value:.4g}" if isinstance(value, float) else f"{key:>24}  {value}")
    if json_file:
        try:
            json_file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {json_file}: {error.strerror}") from error


def report_crowds(crowds: Sequence[Crowd], png: Path | None) -> dict[str, float | int]:
    """Prints all, draws them if asked, and returns the last."""
    for crowd in crowds:
        print(
            f"{crowd.sessions:>4} sessions: p50 {crowd.latency_p50_ms:.2f} ms, "
            f"p99 {crowd.latency_p99_ms:.2f} ms, load {crowd.load:.3f}"
        )
    if png:
        plot(crowds, png)
    last = crowds[-1]
    return {
        "sessions": last.sessions,
        "sessions_p50_ms": last.latency_p50_ms,
        "sessions_p99_ms": last.latency_p99_ms,
        "sessions_load": last.load,
    }


def make_folder(path: Path) -> None:
    """Where there is none yet; raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def write_picture(picture: Picture, path: Path) -> None:
    """RGB uint8 as a JPEG; raises OutputError."""
    try:
        path.write_bytes(encode_jpeg(picture).tobytes())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
