#!/usr/bin/env python3
"""You speak, and a portrait speaks for you: the command line of SegTalker Live."""

from __future__ import annotations

import time

_STARTED = time.perf_counter()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from datetime import date  # noqa: E402
from importlib.resources import files  # noqa: E402
from importlib.util import find_spec  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any, TypeAlias  # noqa: E402

from realtime.clock import FRAME_SAMPLES, LOOKAHEADS_MS, frame_time, lookahead_frames  # noqa: E402
from realtime.errors import InputError, OutputError, SegTalkerError  # noqa: E402

# Networks and media libraries are imported by the commands that use them: `--help` answers at once.
if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.call.avatars import Enroll
    from realtime.call.engines import EngineRequest, MakeEngine
    from realtime.clock import Sound
    from realtime.engine import Engine, Picture
    from realtime.gallery import AvatarGallery
    from realtime.models.networks import Networks
    from realtime.models.renderer import Backend
    from realtime.outputs.output import Output
    from realtime.outputs.playback import Pace, Timings

Arguments = argparse.Namespace
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# As in realtime.training.stages, which takes seconds to import.
STAGES = ("speech", "generator", "masks", "pack", "faces", "denture", "sample")

ASSETS = Path(str(files("realtime") / "assets"))
_PORT = 8080
CONSENT = (
    "I am the person in this portrait, or I have that person's consent to make it speak; "
    "I will not use it to deceive."
)


def demo(arguments: Arguments) -> None:
    """the portrait speaks a sample, paced as a live call would be"""
    from rich import print as show

    from realtime.measure.latency import latency_table
    from realtime.outputs.playback import LivePace

    timings = perform(arguments, LivePace(time.perf_counter, time.sleep))
    first = timings.done[lookahead_frames(arguments.lookahead_ms)] - _STARTED
    show(latency_table(timings, arguments.lookahead_ms))
    print(f"first frame {first:.2f} s after the program's start")


def render(arguments: Arguments) -> None:
    """the same as fast as it can"""
    from realtime.outputs.playback import Unpaced

    timings = perform(arguments, Unpaced())
    took = timings.done[-1] - timings.done[0]
    print(f"{frame_time(len(timings.done)):.1f} s of video in {took:.1f} s")


def perform(arguments: Arguments, pace: Pace) -> Timings:
    """Plays the speech through the avatar into a file, and into a contact sheet if asked."""
    from realtime.audio.sources import read_sound
    from realtime.outputs.playback import play
    from realtime.outputs.progress import bar
    from realtime.outputs.video_file import VideoFile

    sound = read_sound(arguments.speech)
    lookahead = lookahead_frames(arguments.lookahead_ms)
    frames = -(-len(sound) // FRAME_SAMPLES)
    networks = load_networks()
    engine = build_engine(networks, arguments, fastest_backend(networks))
    outputs: list[Output] = [VideoFile(arguments.out, arguments.size)]
    if arguments.contact_sheet:
        outputs.append(contact_sheet(arguments, frames, lookahead))
    with bar(arguments.out.name, frames) as advance:
        timings = play(
            engine,
            [sound],
            outputs,
            lookahead=lookahead,
            now=time.perf_counter,
            pace=pace,
            progress=lambda _: advance(),
        )
    print(f"wrote {arguments.out}")
    return timings


def contact_sheet(arguments: Arguments, frames: int, lookahead: int) -> Output:
    """Frames chosen by the phones beside the speech (same name, .tsv), else evenly spaced."""
    from realtime.idle import IdleLife
    from realtime.outputs.contact_sheet import ContactSheet, evenly, moments, read_phones

    phones = arguments.speech.with_suffix(".tsv")
    idle = IdleLife(arguments.seed)
    chosen = (
        moments(read_phones(phones), lambda index: idle.blink(index + lookahead), frames)
        if phones.is_file()
        else evenly(frames)
    )
    return ContactSheet(arguments.contact_sheet, chosen)


def load_networks() -> Networks:
    from realtime.models.networks import Networks
    from realtime.models.weights import load_weights

    return Networks.restore(load_weights())


def fastest_backend(networks: Networks) -> Backend:
    """What renders a face fastest on this machine, by a short measurement, which is printed."""
    from realtime.models.renderer import chosen, measured

    rows = measured(networks.generator, time.perf_counter)
    print("; ".join(f"{backend} {milliseconds:.1f} ms" for backend, milliseconds in rows.items()))
    return chosen(rows)


def build_engine(networks: Networks, arguments: Arguments, backend: Backend) -> Engine:
    from realtime.engine import Engine
    from realtime.gallery import AvatarGallery

    return Engine(
        networks,
        AvatarGallery(ASSETS).find(arguments.avatar),
        lookahead_ms=arguments.lookahead_ms,
        size=arguments.size,
        seed=arguments.seed,
        backend=backend,
    )


def make_engines(networks: Networks, gallery: AvatarGallery) -> MakeEngine:
    """Engines for callers, who share the networks."""
    from realtime.engine import Engine

    backend = fastest_backend(networks)

    def make(request: EngineRequest) -> Engine:
        return Engine(
            networks,
            gallery.load(request.avatar),
            lookahead_ms=request.lookahead_ms,
            size=request.size,
            background=request.background,
            backend=backend,
        )

    return make


def web(arguments: Arguments) -> None:
    """a page to call from: speak, and the portrait speaks"""
    from realtime.call.serve import ServeOptions, serve
    from realtime.gallery import AvatarGallery

    options = ServeOptions(
        arguments.host, arguments.port, arguments.token, arguments.cert, arguments.key
    )
    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    enrol = enroller(networks, gallery) if find_spec("mediapipe") else None
    serve(options, make_engines(networks, gallery), gallery, enrol)


def enroller(networks: Networks, gallery: AvatarGallery) -> Enroll:
    """Portraits from the page become avatars of this run; the page has asked for consent."""
    from realtime.enroll import portrait
    from realtime.enroll.landmarks import Landmarker, find_model

    def enrol(picture: Picture, name: str, progress: Callable[[str, float], None]) -> str:
        progress("looking for the face", 0.1)
        with Landmarker(find_model(None, os.environ)) as landmarker:
            avatar = portrait.enroll(
                picture,
                name,
                CONSENT,
                created=date.today().isoformat(),
                landmarker=landmarker,
                encode=networks.codes,
                weights_hash=networks.digest,
            )
        return gallery.add(avatar)

    return enrol


def bench_call(arguments: Arguments) -> None:
    """how late and how far out of step picture and sound arrive in a call"""
    from realtime.gallery import AvatarGallery
    from realtime.measure.bench_call import bench_call

    networks, gallery = load_networks(), AvatarGallery(ASSETS)
    result = bench_call(
        make_engines(networks, gallery),
        seconds=arguments.seconds,
        browser=arguments.browser,
        loss=arguments.loss,
        lookahead_ms=arguments.lookahead_ms,
    )
    report(dict(result), arguments.json)


def bench_engine(arguments: Arguments) -> None:
    """how long the engine's step takes, in milliseconds and over this machine's limit"""
    import torch

    from realtime.audio.sources import sound_blocks
    from realtime.measure.bench_engine import bench_engine, multiply_adds
    from realtime.models.renderer import Backend
    from realtime.outputs.playback import blocks_of

    networks = load_networks()
    backend = fastest_backend(networks)
    engine = build_engine(networks, arguments, backend)
    blocks = list(blocks_of(sound_blocks(arguments.speech)))
    engine.step(blocks[0])
    first_frame_s = time.perf_counter() - _STARTED
    counted = build_engine(networks, arguments, Backend("torch", torch.float64))
    result = bench_engine(
        engine,
        blocks,
        multiply_adds=multiply_adds(counted, blocks[0]),
        seconds=arguments.seconds,
        lookahead_ms=arguments.lookahead_ms,
        first_frame_s=first_frame_s,
        now=time.perf_counter,
    )
    if arguments.sessions > 1:
        result |= bench_crowd(networks, backend, blocks, arguments)
    report(result, arguments.json)


def bench_crowd(
    networks: Networks, backend: Backend, blocks: list[Sound], arguments: Arguments
) -> dict[str, float | int]:
    """One session, two, and so on to as many as were asked for: prints all, returns the last."""
    from realtime.measure.bench_sessions import bench_sessions

    engines = [build_engine(networks, arguments, backend) for _ in range(arguments.sessions)]
    crowds = bench_sessions(engines, blocks, seconds=arguments.seconds, now=time.perf_counter)
    for crowd in crowds:
        print(
            f"{crowd.sessions:>3} sessions: p50 {crowd.latency_p50_ms:.1f} ms, "
            f"p99 {crowd.latency_p99_ms:.1f} ms, load {crowd.load:.2f}"
        )
    last = crowds[-1]
    return {
        "sessions": last.sessions,
        "sessions_p50_ms": last.latency_p50_ms,
        "sessions_p99_ms": last.latency_p99_ms,
        "sessions_load": last.load,
    }


def bench_kernels(arguments: Arguments) -> None:
    """what the regional layers cost beside plain convolutions and beside one a region"""
    from realtime.measure.bench_kernels import bench_kernels
    from realtime.models.renderer import backends

    result, rows = bench_kernels(backends(), time.perf_counter)
    print(f"{'layer':>24}  plain ms   ours ms  R-fold ms")
    for row in rows:
        print(f"{row.name:>24}  {row.plain_ms:8.2f}  {row.ours_ms:8.2f}   {row.rfold_ms:8.2f}")
    report(result, arguments.json)


def webcam(arguments: Arguments) -> None:
    """a camera and a microphone called Avatar, for any call app"""
    from rich.console import Console

    from realtime.outputs.webcam import WebcamOptions, run_webcam

    networks = load_networks()
    engine = build_engine(networks, arguments, fastest_backend(networks))
    options = WebcamOptions(
        arguments.lookahead_ms, arguments.microphone, arguments.camera, arguments.record
    )
    run_webcam(engine, options, Console())


def doctor(arguments: Arguments) -> None:
    """what a call needs of this machine, and how to mend what is missing"""
    import numpy as np
    from rich.console import Console

    from realtime.measure.doctor import Subject, doctor, print_checks

    networks = load_networks()
    engine = build_engine(networks, arguments, fastest_backend(networks))
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    checks = doctor(Subject(step=lambda: engine.step(silence), port=_PORT))
    print_checks(checks, Console())
    if failed := [check.name for check in checks if check.state == "fail"]:
        raise InputError(f"expected nothing to fail, found {', '.join(failed)} failing")


def enroll(arguments: Arguments) -> None:
    """one photograph becomes an avatar, in seconds"""
    from realtime import avatar_file
    from realtime.enroll import portrait
    from realtime.enroll.landmarks import Landmarker, find_model

    if not arguments.i_have_consent:
        raise InputError(f"expected --i-have-consent, which states: {CONSENT}")
    networks = load_networks()
    with Landmarker(find_model(arguments.landmarker, os.environ)) as landmarker:
        avatar = portrait.enroll(
            portrait.read_picture(arguments.portrait),
            arguments.name or arguments.portrait.stem,
            CONSENT,
            created=date.today().isoformat(),
            landmarker=landmarker,
            encode=networks.codes,
            weights_hash=networks.digest,
        )
    avatar_file.save(avatar, arguments.out)
    print(f"wrote {arguments.out} in {time.perf_counter() - _STARTED:.1f} s")


def train(arguments: Arguments) -> None:
    """makes weights and assets again, a stage at a time, or measures a stage"""
    from realtime.training.stages import MEASURES, STAGES, Options

    options = Options(
        data=arguments.data,
        runs=arguments.runs,
        steps=arguments.steps,
        minutes=arguments.minutes,
        seed=arguments.seed,
        device=arguments.device,
        resume=arguments.resume,
        videos=arguments.videos,
    )
    if not arguments.measure:
        STAGES[arguments.stage](options)
    elif arguments.stage in MEASURES:
        report(MEASURES[arguments.stage](options), arguments.json)
    else:
        raise InputError(f"expected a stage that can be measured, {sorted(MEASURES)}")


def report(result: dict[str, Any], json_file: Path | None) -> None:
    """Prints one flat object, and writes it as JSON if asked."""
    for key, value in result.items():
        print(f"{key:>24}  {value:.4g}" if isinstance(value, float) else f"{key:>24}  {value}")
    if json_file:
        try:
            json_file.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {json_file}: {error.strerror}") from error


def image_size(text: str) -> tuple[int, int]:
    """'512x512' -> (512, 512); both sides even, as H.264 asks."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, found {text!r}")
    sides = int(width), int(height)
    if any(side % 2 or not 128 <= side <= 2048 for side in sides):
        raise argparse.ArgumentTypeError(f"expected even sides from 128 to 2048, found {text!r}")
    return sides


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_avatar.py", description="You speak, and a portrait speaks for you."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    looking = argparse.ArgumentParser(add_help=False)
    add = looking.add_argument
    add("--avatar", default="ava", metavar="NAME|FILE", help="who speaks: a shipped name or a file")
    add(
        "--lookahead-ms",
        type=int,
        default=80,
        choices=LOOKAHEADS_MS,
        help="how far the lips may hear ahead: more closes them better, less answers sooner",
    )
    add("--size", type=image_size, default=(512, 512), metavar="WxH", help="size of the picture")
    add("--seed", type=int, default=0, help="another seed, other blinks and sway")

    speaking = argparse.ArgumentParser(add_help=False)
    speaking.add_argument(
        "--speech", type=Path, default=ASSETS / "speech.opus", metavar="FILE", help="what is said"
    )

    writing = argparse.ArgumentParser(add_help=False)
    writing.add_argument("--out", type=Path, default=Path("demo.mp4"), help="the video to write")
    writing.add_argument("--contact-sheet", type=Path, metavar="PNG", help="chosen frames, too")

    measuring = argparse.ArgumentParser(add_help=False)
    measuring.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")

    for command in (demo, render):
        sub = commands.add_parser(
            command.__name__, parents=[looking, speaking, writing], help=command.__doc__
        )
        sub.set_defaults(command=command)

    benches = commands.add_parser("bench", help="measure how fast it is").add_subparsers(
        metavar="WHAT", required=True
    )
    sub = benches.add_parser(
        "engine", parents=[looking, speaking, measuring], help=bench_engine.__doc__
    )
    sub.add_argument("--seconds", type=float, default=20.0, help="how much speech to step through")
    sub.add_argument("--sessions", type=int, default=1, help="and how many at once, up to so many")
    sub.set_defaults(command=bench_engine)
    sub = benches.add_parser("kernels", parents=[measuring], help=bench_kernels.__doc__)
    sub.set_defaults(command=bench_kernels)
    sub = benches.add_parser("call", parents=[measuring], help=bench_call.__doc__)
    sub.add_argument("--seconds", type=float, default=20.0, help="how long to call")
    sub.add_argument("--browser", action="store_true", help="call from a real Chromium")
    sub.add_argument("--loss", type=float, default=0.0, help="share of packets lost, 0 to 1")
    sub.add_argument(
        "--lookahead-ms", type=int, default=80, choices=LOOKAHEADS_MS, help="as in demo"
    )
    sub.set_defaults(command=bench_call)
    sub = commands.add_parser("web", help=web.__doc__)
    sub.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    sub.add_argument("--port", type=int, default=_PORT, help="the port to listen on")
    sub.add_argument("--token", help="what callers must know; needed where others can come in")
    sub.add_argument("--cert", type=Path, metavar="PEM", help="TLS certificate")
    sub.add_argument("--key", type=Path, metavar="PEM", help="its private key")
    sub.set_defaults(command=web)
    sub = commands.add_parser("webcam", parents=[looking], help=webcam.__doc__)
    sub.add_argument("--microphone", metavar="NAME|NUMBER", help="else the system's default")
    sub.add_argument("--camera", metavar="DEVICE", help="else the first virtual camera")
    sub.add_argument("--record", type=Path, metavar="MP4", help="keep what the call sees and hears")
    sub.set_defaults(command=webcam)
    sub = commands.add_parser("doctor", parents=[looking], help=doctor.__doc__)
    sub.set_defaults(command=doctor)
    add_enroll(commands)
    add_train(commands, measuring)
    return parser


def add_enroll(commands: Commands) -> None:
    sub = commands.add_parser("enroll", help=enroll.__doc__)
    sub.add_argument("portrait", type=Path, metavar="PORTRAIT", help="a JPEG, PNG or WebP picture")
    sub.add_argument("-o", "--out", type=Path, required=True, help="the .avatar file to write")
    sub.add_argument("--name", help="what the avatar is called; else the picture's name")
    sub.add_argument("--i-have-consent", action="store_true", help=f"you state: {CONSENT}")
    sub.add_argument(
        "--landmarker", type=Path, metavar="FILE", help="MediaPipe's face_landmarker.task"
    )
    sub.set_defaults(command=enroll)


def add_train(commands: Commands, measuring: argparse.ArgumentParser) -> None:
    sub = commands.add_parser("train", parents=[measuring], help=train.__doc__)
    add = sub.add_argument
    add("stage", choices=STAGES, help="what to make; 'pack' puts the trained stages together")
    add("--data", type=Path, required=True, help="the folder that holds clean and measure")
    add("--runs", type=Path, default=Path("runs"), help="where checkpoints and results go")
    add("--steps", type=int, default=6000, help="how long the speech stage trains")
    add("--minutes", type=float, default=60.0, help="how long the other stages train")
    add("--seed", type=int, default=1, help="seed of weights and data")
    add("--device", default="cpu", help="cpu or cuda")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--measure", action="store_true", help="measure the shipped weights on people held out")
    add("--videos", type=Path, metavar="DIR", help="measuring speech: render the voices here, too")
    sub.set_defaults(command=train)


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command; an error is one sentence and exit code 1, an interrupt 130."""
    arguments = make_parser().parse_args(words)
    try:
        arguments.command(arguments)
    except SegTalkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing half-written was left", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
