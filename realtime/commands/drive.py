"""`drive`: every portrait of a folder says every sound of another, for whoever judges videos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from realtime.audio.sources import read_sound
from realtime.clock import lookahead_frames
from realtime.commands.common import Arguments, fastest_backend, load_networks, report
from realtime.commands.make import enroll_portrait
from realtime.consent import CONSENT
from realtime.engine import Engine
from realtime.enroll.portrait import pictures_under, read_picture
from realtime.errors import InputError, OutputError, PortraitError
from realtime.models.networks import Networks
from realtime.models.renderer import Backend
from realtime.outputs.playback import play
from realtime.outputs.progress import bar
from realtime.outputs.video_file import VideoFile


def drive(arguments: Arguments) -> None:
    """Writes OUT/PORTRAIT-VOICE.mp4 of each that is not there yet, and says who was refused."""
    if not arguments.i_have_consent:
        raise InputError(f"expected --i-have-consent, which states: {CONSENT}")
    portraits = pictures_under(arguments.portraits)
    voices = sorted(path for path in arguments.voices.rglob("*") if path.is_file())
    if not portraits or not voices:
        raise InputError(
            f"expected pictures in {arguments.portraits} and sounds in {arguments.voices}, "
            f"found {len(portraits)} and {len(voices)}"
        )
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {arguments.out}: {error.strerror}") from error
    networks = load_networks()
    backend = fastest_backend(networks)
    refused = 0
    with bar("portraits", len(portraits)) as advance:
        for seed, portrait in enumerate(portraits):
            try:
                _drive(networks, backend, portrait, seed, voices, arguments)
            except PortraitError as error:
                print(f"{portrait.name}: {error}")
                refused += 1
            advance()
    report({"portraits": len(portraits), "voices": len(voices), "refused": refused}, None)


def _drive(
    networks: Networks,
    backend: Backend,
    portrait: Path,
    seed: int,
    voices: Sequence[Path],
    arguments: Arguments,
) -> None:
    """What is missing of one portrait's videos; PortraitError if it shows no usable face."""
    who = "_".join(portrait.relative_to(arguments.portraits).with_suffix("").parts)
    videos = {voice: arguments.out / f"{who}-{voice.stem}.mp4" for voice in voices}
    missing = {voice: video for voice, video in videos.items() if not video.exists()}
    if not missing:
        return
    avatar = enroll_portrait(networks, read_picture(portrait), who, arguments.landmarker)
    for voice, video in missing.items():
        _speak(
            Engine(networks, avatar, size=arguments.size, seed=seed, backend=backend), voice, video
        )


def _speak(engine: Engine, voice: Path, video: Path) -> None:
    lookahead = lookahead_frames(engine.lookahead_ms)
    output = VideoFile(video, engine.size)
    play(engine, [read_sound(voice)], [output], lookahead=lookahead, now=time.monotonic)
