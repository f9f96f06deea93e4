"""`drive`: every portrait of a folder says every sound of another, for whoever judges videos."""

from __future__ import annotations

import time
from pathlib import Path

from realtime.audio.sources import read_sound
from realtime.clock import lookahead_frames
from realtime.commands.common import Arguments, fastest_backend, load_networks, report
from realtime.commands.make import enroll_portrait
from realtime.consent import CONSENT
from realtime.engine import Engine
from realtime.enroll.portrait import read_picture
from realtime.errors import InputError, OutputError, PortraitError
from realtime.outputs.playback import play
from realtime.outputs.progress import bar
from realtime.outputs.video_file import VideoFile

_PICTURES = frozenset({".jpeg", ".jpg", ".png", ".webp"})


def drive(arguments: Arguments) -> None:
    """Writes OUT/PORTRAIT-VOICE.mp4 of each that is not there yet, and says who was refused."""
    if not arguments.i_have_consent:
        raise InputError(f"expected --i-have-consent, which states: {CONSENT}")
    portraits = [path for path in _files(arguments.portraits) if path.suffix.lower() in _PICTURES]
    voices = _files(arguments.voices)
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
            who = "_".join(portrait.relative_to(arguments.portraits).with_suffix("").parts)
            videos = {voice: arguments.out / f"{who}-{voice.stem}.mp4" for voice in voices}
            missing = {voice: video for voice, video in videos.items() if not video.exists()}
            try:
                if missing:
                    picture = read_picture(portrait)
                    avatar = enroll_portrait(networks, picture, who, arguments.landmarker)
                    for voice, video in missing.items():
                        engine = Engine(
                            networks, avatar, size=arguments.size, seed=seed, backend=backend
                        )
                        _speak(engine, voice, video)
            except PortraitError as error:
                print(f"{portrait.name}: {error}")
                refused += 1
            advance()
    report({"portraits": len(portraits), "voices": len(voices), "refused": refused}, None)


def _speak(engine: Engine, voice: Path, video: Path) -> None:
    lookahead = lookahead_frames(engine.lookahead_ms)
    output = VideoFile(video, engine.size)
    play(engine, [read_sound(voice)], [output], lookahead=lookahead, now=time.monotonic)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
