"""`web`, `webcam`, `doctor` and `bench call`: a portrait in a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import cycle
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from realtime.audio.sources import read_sound
from realtime.call.engines import MakeEngine
from realtime.commands.common import (
    ASSETS,
    Arguments,
    build_engine,
    fastest_backend,
    gpu_backend,
    leave_cores_to,
    load_networks,
    report,
)
from realtime.commands.make import enroll_portrait
from realtime.commands.scenery import callers_scenery, pose_track, scenery
from realtime.commands.studio import Studio
from realtime.enroll.fitting import FittingRoom
from realtime.errors import InputError
from realtime.frame import Picture
from realtime.gallery import AvatarGallery, Portraits
from realtime.models.face_parser import load_parser
from realtime.models.networks import Networks
from realtime.models.renderer import Backend, chosen, measured
from realtime.outputs.playback import blocks_of

if TYPE_CHECKING:
    from realtime.call.avatars import Enroll

# The face may take this much of a frame's 40 ms: the rest of a step takes up to as much again.
_ROOM_MS = 20.0


def web(arguments: Arguments) -> None:
    """Serves the page until interrupted."""
    from realtime.call.ice import IceServer
    from realtime.call.serve import ServeOptions, application, serve

    options = ServeOptions(
        arguments.host,
        arguments.port,
        arguments.token,
        arguments.cert,
        arguments.key,
        tuple(map(IceServer.parse, arguments.ice_server)),
        background=callers_scenery(arguments.background),
    )
    if arguments.cluster:
        from realtime.commands.cluster import web as web_of_cluster

        web_of_cluster(options, arguments.cluster)
        return
    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    enroll = enroller(networks, gallery)
    fitting = FittingRoom(gallery, load_parser())
    make_engine = make_engines(networks, gallery)
    serve(options, application(options, make_engine, gallery, enroll, fitting))


def make_engines(networks: Networks, gallery: Portraits) -> MakeEngine:
    """Engines for callers, who share the networks."""
    return Studio(networks, gallery, load_parser(), _backend_beside_a_call(networks))


def _backend_beside_a_call(networks: Networks) -> Backend:
    """What renders a face fastest on all cores but one, which codes pictures and serves the line.

    An engine on every core waits at each layer for the core that is busy otherwise, and makes that
    wait, too. Only where it would be too slow does it get them all.
    """
    if (gpu := gpu_backend()) is not None:
        return gpu
    cores = torch.get_num_threads()
    for threads in dict.fromkeys((max(cores - 1, 1), cores)):
        torch.set_num_threads(threads)
        rows = measured(networks.generator, time.perf_counter)
        backend = chosen(rows)
        if rows[backend] < _ROOM_MS:
            break
    print(f"The face: {backend} on {threads} of {cores} cores, {rows[backend]:.1f} ms")
    leave_cores_to(backend)
    return backend


def enroller(networks: Networks, gallery: Portraits) -> Enroll | None:
    """Portraits from the page become avatars of this run; the page has asked for consent.

    None where what enrolment needs is not installed.
    """
    if not find_spec("mediapipe"):
        return None

    def enrol(picture: Picture, name: str, progress: Callable[[str, float], None]) -> str:
        progress("looking for the face", 0.1)
        return gallery.add(enroll_portrait(networks, picture, name, None))

    return enrol


def bench(arguments: Arguments) -> None:
    """Calls ourselves and measures what arrives."""
    from realtime.measure.bench_call import Line, bench_call
    from realtime.measure.call_plot import plot

    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    result = bench_call(
        make_engines(networks, gallery),
        seconds=arguments.seconds,
        browser=arguments.browser,
        line=Line(arguments.loss, arguments.jitter_ms / 1000),
        lookahead_ms=arguments.lookahead_ms,
    )
    if arguments.png:
        plot(result, arguments.png)
    report(result.figures, arguments.json)


def webcam(arguments: Arguments) -> None:
    """Is in the call until q or Ctrl-C."""
    from realtime.outputs.wardrobe import Clothes, dresser
    from realtime.outputs.webcam import WebcamOptions, run_webcam

    background = scenery(arguments.background, arguments.size)
    track = pose_track(arguments)
    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    first = gallery.named(arguments.avatar)
    engine = build_engine(networks, arguments, fastest_backend(networks), background, track)
    options = WebcamOptions(
        arguments.lookahead_ms,
        arguments.microphone,
        arguments.camera,
        arguments.record,
        arguments.fps,
    )
    avatars = [first, *(name for name in gallery.names() if name != first)]
    backgrounds = {arguments.background: background}
    for words in ("none", "blur"):
        backgrounds.setdefault(words, scenery(words, arguments.size))
    dress = dresser(engine, first, gallery, backgrounds)
    run_webcam(engine, Clothes(dress, avatars, list(backgrounds)), options, Console())


def doctor(arguments: Arguments) -> None:
    """Looks at everything a call needs; raises InputError if something fails."""
    from realtime.measure.doctor import Subject, doctor, print_checks

    networks = load_networks()
    engine = build_engine(networks, arguments, fastest_backend(networks))
    # Of speech: a face that keeps still costs little.
    spoken = cycle(blocks_of([read_sound(ASSETS / "speech.opus")]))
    subject = Subject(
        step=lambda: engine.step(next(spoken)),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        port=arguments.port,
        certificate=arguments.cert,
        key=arguments.key,
    )
    checks = doctor(subject)
    print_checks(checks, Console())
    if failed := [check.name for check in checks if check.state == "fail"]:
        raise InputError(f"expected nothing to fail, found {', '.join(failed)} failing")
