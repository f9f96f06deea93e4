"""`drive`: every portrait of a folder says every sound of another, for whoever judges videos."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.audio.sources import read_sound
from realtime.clock import lookahead_frames
from realtime.commands.common import (
    Arguments,
    fastest_backend,
    load_networks,
    make_folder,
    report,
)
from realtime.commands.make import enroll_portrait
from realtime.consent import CONSENT
from realtime.engine import Engine
from realtime.enroll.portrait import pictures_under, read_picture
from realtime.errors import InputError, PortraitError
from realtime.outputs.playback import play
from realtime.outputs.progress import bar
from realtime.outputs.video_file import VideoFile


@dataclass(frozen=True)
class Take:
    """Whose portrait (None: an avatar's) says what, and where the video of that is, or will be."""

    portrait: Path | None
    voice: Path
    video: Path


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
    takes = plan(arguments.portraits, portraits, voices, arguments.out)
    made = len(list(videos(takes, arguments.size, arguments.landmarker)))
    refused = len(portraits) - made // len(voices)
    report({"portraits": len(portraits), "voices": len(voices), "refused": refused}, None)


def plan(
    folder: Path, portraits: Sequence[Path], voices: Sequence[Path], out: Path
) -> dict[Path, list[Take]]:
    """What each portrait of the folder is to say; raises OutputError if `out` can't be made."""
    make_folder(out)
    takes = {}
    for portrait in portraits:
        who = "_".join(portrait.relative_to(folder).with_suffix("").parts)
        takes[portrait] = [
            Take(portrait, voice, out / f"{who}-{voice.stem}.mp4") for voice in voices
        ]
    return takes


def videos(
    plan: Mapping[Path, Sequence[Take]], size: tuple[int, int], landmarker: Path | None
) -> Iterator[Take]:
    """Every take as soon as its video is there; whoever is refused is printed and left out."""
    networks = load_networks()
    backend = fastest_backend(networks)
    with bar("portraits", len(plan)) as advance:
        for portrait, takes in plan.items():
            # A portrait's own: among fewer others its head and lids move the same.
            seed = zlib.crc32(portrait.name.encode())
            missing = [take for take in takes if not take.video.exists()]
            try:
                if missing:
                    picture = read_picture(portrait)
                    avatar = enroll_portrait(networks, picture, portrait.stem, landmarker)
                for take in missing:
                    engine = Engine(networks, avatar, size=size, seed=seed, backend=backend)
                    speak(engine, take.voice, take.video)
                yield from takes
            except PortraitError as error:
                print(f"{portrait.name}: {error}")
            advance()


def speak(engine: Engine, voice: Path, video: Path) -> None:
    """The engine says what a sound file holds."""
    lookahead = lookahead_frames(engine.lookahead_ms)
    output = VideoFile(video, engine.size)
    play(engine, [read_sound(voice)], [output], lookahead=lookahead, now=time.monotonic)
