#!/usr/bin/env python3
"""You speak, and a portrait speaks for you: the command line of SegTalker Live."""

from __future__ import annotations

import time

_STARTED = time.perf_counter()

import argparse  # noqa: E402
import math  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from importlib import import_module  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, TypeAlias  # noqa: E402

from realtime.clock import LOOKAHEADS_MS  # noqa: E402
from realtime.consent import CONSENT  # noqa: E402
from realtime.errors import SegTalkerError  # noqa: E402

Arguments = argparse.Namespace
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Parser = argparse.ArgumentParser

# As in realtime.training.stages, which takes seconds to import.
STAGES = (
    *("speech", "syncnet", "parser", "recogniser", "generator", "ablations", "pack"),
    *("faces", "denture", "sample", "palette"),
)
# Which extra brings a module that may be missing.
EXTRAS = {
    "aiohttp": "web",
    "aiortc": "web",
    "matplotlib": "plot",
    "mediapipe": "enroll",
    "prometheus_client": "web",
    "psutil": "cluster",
    "pyvirtualcam": "webcam",
    "ray": "cluster",
    "sklearn": "plot",
    "sounddevice": "webcam",
    "torch_tensorrt": "tensorrt",
}
_SPEECH = Path(__file__).parent / "realtime" / "assets" / "speech.opus"
_PORT = 8080
_SHAPE = "lips, brows, smile, eyes, gaze_x, gaze_y: -1 to 1, 0 being the photograph"
_SELF_DRIVEN = (
    "Each quarter of a clip is made by an avatar enrolled from the other quarters, 0.4 s apart. "
    "Of its own frames it gets what is outside the lower face, where the head is, and the sound, "
    "moved to the picture where our SyncNet finds the file out of step."
)
_METERS = (
    "also LPIPS, FID, FVD, LSE, by the published vgg16.pt, inception-2015-12-05.pt, "
    "i3d_torchscript.pt, syncnet_v2.model in this folder, each where it is there"
)
_JUDGES = (
    "generator: TorchScript networks of this folder judge it, too: vgg16.pt (LPIPS), arcface.pt "
    "(who it is), each where it is there"
)
_BACKGROUND = "none (the room itself), blur, blur=0 to blur=1, a colour's name or #rrggbb"
_METER = "measures VIDEO --json FILE [--phones TSV] [--portrait PICTURE] [--gates JSON]"
_MANNER = "blinks, sway: 0 to 2, 1 being usual; yaw, pitch, roll: degrees the head is held at"


def command(module: str, name: str) -> Callable[[Arguments], None]:
    """A command that imports what it needs when it runs: so `--help` answers at once."""

    def run(arguments: Arguments) -> None:
        getattr(import_module(f"realtime.commands.{module}"), name)(arguments)

    return run


def image_size(text: str) -> tuple[int, int]:
    """'512x512' -> (512, 512); both sides even, as H.264 asks."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, found {text!r}")
    sides = int(width), int(height)
    if any(side % 2 or not 128 <= side <= 2048 for side in sides):
        raise argparse.ArgumentTypeError(f"expected even sides from 128 to 2048, found {text!r}")
    return sides


def number(kind: Callable[[str], float], low: float, high: float = math.inf) -> Any:
    """An argument's type: a number from low to high."""

    def parsed(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            limits = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"
            raise argparse.ArgumentTypeError(f"expected {limits}, found {text!r}")
        return value

    return parsed


_PORTS, _COUNT = number(int, 0, 65_535), number(int, 1)
_SECONDS, _SHARE = number(float, 1), number(float, 0, 1)


def make_parser() -> Parser:
    """All commands with their options."""
    parser = Parser(prog="run_avatar.py", description="You speak, and a portrait speaks for you.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    looking, speaking, measuring, staging = _looking(), _speaking(), _measuring(), _staging()
    _add_speaking(commands, [looking, speaking, staging])
    _add_calls(commands, looking, staging)
    _add_enroll(commands)
    _add_edit(commands)
    _add_benches(commands, [looking, speaking], measuring)
    _add_eval(commands, measuring)
    _add_drive(commands)
    _add_train(commands, measuring)
    return parser


def _looking() -> Parser:
    parent = Parser(add_help=False)
    add = parent.add_argument
    add("--avatar", default="ava", metavar="NAME|FILE", help="who speaks: a shipped name or a file")
    _add_lookahead(parent)
    add("--size", type=image_size, default=(512, 512), metavar="WxH", help="size of the picture")
    add("--seed", type=int, default=0, help="another seed, other blinks and sway")
    return parent


def _add_lookahead(parser: Parser) -> None:
    parser.add_argument(
        "--lookahead-ms",
        type=int,
        default=80,
        choices=LOOKAHEADS_MS,
        help="how far the lips may hear ahead: more closes them better, less answers sooner",
    )


def _speaking() -> Parser:
    parent = Parser(add_help=False)
    parent.add_argument(
        "--speech", type=Path, default=_SPEECH, metavar="FILE", help="what is said: sound or video"
    )
    return parent


def _staging() -> Parser:
    parent = Parser(add_help=False)
    _add_background(parent, f"{_BACKGROUND}, a picture's or a video's file")
    parent.add_argument(
        "--pose-track", type=Path, metavar="FILE", help="CSV or JSON of yaw, pitch, roll a frame"
    )
    return parent


def _add_background(parser: Parser, help_text: str) -> None:
    parser.add_argument("--background", default="none", metavar="WHAT", help=help_text)


def _measuring() -> Parser:
    parent = Parser(add_help=False)
    parent.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    return parent


def _add_speaking(commands: Commands, parents: list[Parser]) -> None:
    for name, help_text in (
        ("demo", "the portrait speaks a sample, paced as a live call would be"),
        ("render", "the same as fast as it can"),
    ):
        sub = commands.add_parser(name, parents=parents, help=help_text)
        sub.add_argument("--out", type=Path, default=Path("demo.mp4"), help="the video to write")
        sub.add_argument("--contact-sheet", type=Path, metavar="PNG", help="chosen frames, too")
        sub.set_defaults(command=command("speak", name))


def _add_calls(commands: Commands, looking: Parser, staging: Parser) -> None:
    sub = commands.add_parser("web", help="a page to call from: speak, and the portrait speaks")
    sub.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    sub.add_argument("--port", type=_PORTS, default=_PORT, help="the port to listen on")
    sub.add_argument("--token", help="what callers must know; needed where others can come in")
    _add_tls(sub)
    sub.add_argument(
        "--ice-server",
        action="append",
        default=[],
        metavar="URL",
        help="stun:HOST:PORT or turn:NAME:PASSWORD@HOST:PORT, each in an option of its own",
    )
    sub.add_argument(
        "--cluster", metavar="local|ADDRESS", help="calls on the workers of a Ray cluster"
    )
    _add_background(sub, f"what callers begin with: {_BACKGROUND}, a picture's file")
    sub.set_defaults(command=command("call", "web"))
    sub = commands.add_parser(
        "webcam",
        parents=[looking, staging],
        help="a camera and a microphone called Avatar, for any call app",
    )
    sub.add_argument("--microphone", metavar="NAME|NUMBER", help="else the system's default")
    sub.add_argument("--camera", metavar="DEVICE", help="else the first virtual camera")
    sub.add_argument("--fps", type=int, default=25, choices=(25, 30), help="the camera's rate")
    sub.add_argument("--record", type=Path, metavar="MP4", help="keep what the call sees and hears")
    sub.set_defaults(command=command("call", "webcam"))
    sub = commands.add_parser(
        "doctor", parents=[looking], help="what a call needs of this machine, and how to mend it"
    )
    sub.add_argument("--port", type=_PORTS, default=_PORT, help="the port that web would listen on")
    _add_tls(sub)
    sub.set_defaults(command=command("call", "doctor"))


def _add_tls(parser: Parser) -> None:
    parser.add_argument("--cert", type=Path, metavar="PEM", help="TLS certificate")
    parser.add_argument("--key", type=Path, metavar="PEM", help="its private key")


def _add_enroll(commands: Commands) -> None:
    sub = commands.add_parser("enroll", help="a photograph or a video becomes an avatar")
    sub.add_argument(
        "portrait",
        type=Path,
        metavar="PORTRAIT|VIDEO",
        help="a JPEG, PNG or WebP picture, or 5 s to 5 min of video of one person who speaks",
    )
    sub.add_argument("-o", "--out", type=Path, required=True, help="the .avatar file to write")
    sub.add_argument("--name", help="what the avatar is called; else the file's name")
    sub.add_argument(
        "--preview", type=Path, metavar="JPG", help="it at rest, talking, cut out; its regions"
    )
    sub.add_argument("--i-have-consent", action="store_true", help=f"you state: {CONSENT}")
    _add_tune(sub)
    _add_landmarker(sub)
    sub.set_defaults(command=command("make", "enroll"))


def _add_tune(parser: Parser) -> None:
    parser.add_argument(
        "--tune", action="store_true", help="learn of a video how its lips stand at each phone, too"
    )


def _add_landmarker(parser: Parser) -> None:
    parser.add_argument(
        "--landmarker", type=Path, metavar="FILE", help="MediaPipe's face_landmarker.task"
    )


def _add_edit(commands: Commands) -> None:
    sub = commands.add_parser("edit", help="another look: colours, shapes, how the head is held")
    add = sub.add_argument
    add("avatar", metavar="NAME|FILE", help="whose look to change: a shipped name or a file")
    add("-o", "--out", type=Path, required=True, help="the .avatar file to write")
    add("--name", help="what the result is called; else as before")
    for part in ("hair", "lips", "brows", "eyes", "skin"):
        add(f"--{part}-from", metavar="FILE", help=f"{part} in the colours of a portrait's")
    add("--hair", metavar="NAME", help="hair of the palette: black, brown, auburn, blond, silver")
    add("--lips", metavar="NAME", help="lips of the palette: nude, rose, red, berry")
    add("--strength", type=_SHARE, default=1.0, help="how far towards those colours, 0 to 1")
    add("--shape", nargs="+", default=[], metavar="NAME=VALUE", help=_SHAPE)
    add("--manner", nargs="+", default=[], metavar="NAME=VALUE", help=_MANNER)
    add("--i-have-consent", action="store_true", help=f"for photographs you state: {CONSENT}")
    _add_landmarker(sub)
    sub.set_defaults(command=command("edit", "edit"))


def _add_benches(commands: Commands, parents: list[Parser], measuring: Parser) -> None:
    speaking = parents[-1]
    benches = commands.add_parser("bench", help="measure speed and likeness").add_subparsers(
        metavar="WHAT", required=True
    )
    sub = benches.add_parser(
        "engine",
        parents=[*parents, measuring],
        help="how long a step takes, in milliseconds and over this machine's limit",
    )
    sub.add_argument(
        "--seconds", type=_SECONDS, default=20.0, help="how much speech to step through"
    )
    sub.add_argument(
        "--sessions", type=_COUNT, default=1, help="and how many at once, up to so many"
    )
    sub.add_argument("--png", type=Path, metavar="FILE", help="sessions against latency, drawn")
    _add_device(sub, "tensorrt")
    sub.set_defaults(command=command("bench", "engine"))
    sub = benches.add_parser(
        "kernels", parents=[measuring], help="what the regional layers cost over plain convolutions"
    )
    _add_device(sub)
    sub.set_defaults(command=command("bench", "kernels"))
    sub = benches.add_parser(
        "call", parents=[measuring], help="how late, and how far out of step, a call arrives"
    )
    sub.add_argument("--seconds", type=_SECONDS, default=20.0, help="how long to call")
    sub.add_argument("--browser", action="store_true", help="call from a real Chromium")
    sub.add_argument("--loss", type=_SHARE, default=0.0, help="share of packets lost, 0 to 1")
    sub.add_argument("--jitter-ms", type=float, default=0.0, help="the most that a packet is late")
    sub.add_argument("--png", type=Path, metavar="FILE", help="delay and skew as a picture, too")
    _add_lookahead(sub)
    sub.set_defaults(command=command("call", "bench"))
    sub = benches.add_parser(
        "edit", parents=[*parents, measuring], help="what an edit changes, and switching it live"
    )
    sub.add_argument(
        "--seconds", type=_SECONDS, default=20.0, help="how much speech to step through"
    )
    sub.add_argument("--portraits", type=Path, metavar="DIR", help="how region codes gather, too")
    sub.add_argument("--png", type=Path, metavar="FILE", help="those codes as a picture")
    sub.add_argument("--sheet", type=Path, metavar="JPG", help="edits of the shipped faces, too")
    sub.add_argument(
        "--talking", type=Path, metavar="JPG", help="six of the portraits, edited, talking"
    )
    sub.set_defaults(command=command("bench", "edit"))
    sub = benches.add_parser(
        "cluster", parents=[speaking, measuring], help="how evenly many callers spread over workers"
    )
    sub.add_argument("--sessions", type=_COUNT, default=10_000, help="callers at once, simulated")
    sub.add_argument("--workers", type=_COUNT, default=40, help="simulated workers")
    sub.add_argument("--seed", type=int, default=0, help="another seed, other callers")
    sub.add_argument("--offers", type=int, default=0, help="and so many real ones, timed")
    sub.add_argument("--png", type=Path, metavar="FILE", help="the workers' calls over time")
    sub.set_defaults(command=command("cluster", "bench"))
    _add_realism(benches, parents[0], measuring)


def _add_realism(benches: Commands, looking: Parser, measuring: Parser) -> None:
    sub = benches.add_parser(
        "portraits",
        parents=[measuring],
        help="strangers' portraits driven by strangers' voices, before an outside meter's gates",
    )
    add = sub.add_argument
    add("--gates", type=Path, required=True, metavar="JSON", help="what the meter shall ask")
    add("--every", type=_COUNT, default=1, metavar="N", help="take only every Nth portrait")
    add("--size", type=image_size, default=(512, 512), metavar="WxH", help="size of the picture")
    _add_landmarker(sub)
    _add_meter(sub)
    sub.set_defaults(command=command("bench_realism", "portraits"))
    sub = benches.add_parser(
        "voices",
        parents=[looking, measuring],
        help="the avatar says what sixteen strangers said, before an outside meter",
    )
    _add_meter(sub)
    sub.set_defaults(command=command("bench_realism", "voices"))


def _add_meter(parser: Parser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, help="the folder that holds measure")
    add("--meter", required=True, metavar="COMMAND", help=_METER)
    add("--out", type=Path, required=True, metavar="DIR", help="videos and verdicts are kept here")


def _add_device(parser: Parser, *more: str) -> None:
    parser.add_argument(
        "--device", default="cpu", choices=("cpu", "cuda", *more), help="what computes the frames"
    )


def _add_eval(commands: Commands, measuring: Parser) -> None:
    sub = commands.add_parser(
        "eval",
        parents=[measuring],
        help="clips say their own words again, and are compared with what they showed",
        description=_SELF_DRIVEN,
    )
    sub.add_argument("clips", type=Path, metavar="CLIPS", help="a folder of .mp4, 2 to 30 s each")
    sub.add_argument(
        "--videos", type=Path, metavar="DIR", help="leave the made clips here, and beside the real"
    )
    sub.add_argument("--meters", type=Path, metavar="DIR", help=_METERS)
    _add_tune(sub)
    _add_landmarker(sub)
    sub.set_defaults(command=command("evaluate", "evaluate"))


def _add_drive(commands: Commands) -> None:
    sub = commands.add_parser(
        "drive", help="every portrait of a folder says every sound of another, into videos"
    )
    sub.add_argument("portraits", type=Path, metavar="PORTRAITS", help="a folder of photographs")
    sub.add_argument("voices", type=Path, metavar="VOICES", help="a folder of sound files")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the videos go")
    sub.add_argument("--size", type=image_size, default=(512, 512), metavar="WxH", help="of each")
    sub.add_argument("--i-have-consent", action="store_true", help=f"you state: {CONSENT}")
    _add_landmarker(sub)
    sub.set_defaults(command=command("drive", "drive"))


def _add_train(commands: Commands, measuring: Parser) -> None:
    sub = commands.add_parser(
        "train",
        parents=[measuring],
        help="make weights and assets again, a stage at a time, or measure a stage",
    )
    add = sub.add_argument
    add("stage", choices=STAGES, help="what to make; 'pack' puts the trained stages together")
    add("--data", type=Path, required=True, help="the folder that holds clean and measure")
    add("--runs", type=Path, default=Path("runs"), help="where checkpoints and results go")
    add("--steps", type=_COUNT, default=6000, help="how long speech and recogniser train")
    add("--minutes", type=float, default=60.0, help="how long the other stages train")
    add("--seed", type=int, default=1, help="seed of weights and data")
    add("--device", default="cpu", help="cpu or cuda")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--from-shipped", action="store_true", help="generator, parser: begin with those shipped")
    add("--judges", type=Path, metavar="DIR", help=_JUDGES)
    add("--measure", action="store_true", help="measure the shipped weights on people held out")
    sub.set_defaults(command=command("make", "train"))


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command; an error is one sentence and exit code 1, an interrupt 130."""
    arguments = make_parser().parse_args(words, Arguments(started=_STARTED))
    try:
        arguments.command(arguments)
    except SegTalkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (extra := EXTRAS.get(error.name or "")) is None:
            raise
        needs = f"expected the extra '{extra}' (pip install \".[{extra}]\"), found no {error.name}"
        print(f"error: {needs}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing half-written was left", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
