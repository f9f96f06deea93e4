"""`enroll` and `train`: avatars, weights and assets."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

from realtime import avatar_file
from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.commands.common import ASSETS, Arguments, load_networks, report, write_picture
from realtime.consent import CONSENT
from realtime.engine import Engine
from realtime.errors import InputError
from realtime.frame import Picture
from realtime.models.networks import Networks

# By its name a file is known for a video, anything else for a picture.
_VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})
_PREVIEW = 384, 384


def enroll(arguments: Arguments) -> None:
    """One photograph or video, one avatar; raises InputError without consent, or without a video to
    tune by."""
    from realtime.enroll.portrait import read_picture

    if not arguments.i_have_consent:
        raise InputError(f"expected --i-have-consent, which states: {CONSENT}")
    given, networks = arguments.portrait, load_networks()
    name, filmed = arguments.name or given.stem, given.suffix.lower() in _VIDEOS
    if arguments.tune and not filmed:
        raise InputError(f"expected a video to tune by, found {given.name}")
    if filmed:
        avatar = enroll_film(networks, given, name, arguments.landmarker, tune=arguments.tune)
    else:
        avatar = enroll_portrait(networks, read_picture(given), name, arguments.landmarker)
    avatar_file.save(avatar, arguments.out)
    if arguments.preview:
        write_picture(_preview(networks, avatar), arguments.preview)
    print(f"wrote {arguments.out} in {time.perf_counter() - arguments.started:.1f} s")


def _preview(networks: Networks, avatar: Avatar) -> Picture:
    from realtime.audio.sources import sound_blocks
    from realtime.enroll.preview import preview
    from realtime.outputs.playback import blocks_of

    def make_engine(avatar: Avatar, background: Background) -> Engine:
        return Engine(networks, avatar, size=_PREVIEW, background=background)

    return preview(avatar, make_engine, list(blocks_of(sound_blocks(ASSETS / "speech.opus"))))


def enroll_portrait(
    networks: Networks, picture: Picture, name: str, landmarker_file: Path | None
) -> Avatar:
    """An avatar made today of RGB uint8 [H, W, 3], under the statement of consent."""
    from realtime.enroll import portrait
    from realtime.enroll.landmarks import Landmarker, find_model
    from realtime.models.face_parser import load_parser

    with Landmarker(find_model(landmarker_file, os.environ)) as landmarker:
        return portrait.enroll(
            picture,
            name,
            CONSENT,
            created=date.today().isoformat(),
            landmarker=landmarker,
            parser=load_parser(),
            networks=networks,
        )


def enroll_film(
    networks: Networks, video: Path, name: str, landmarker_file: Path | None, *, tune: bool
) -> Avatar:
    """An avatar made today of a video, under the statement of consent."""
    from realtime.enroll.landmarks import Landmarker, find_model
    from realtime.enroll.video import enroll_video
    from realtime.models.syncnet import load_syncnet
    from realtime.outputs.progress import bar

    with (
        Landmarker(find_model(landmarker_file, os.environ)) as landmarker,
        bar(video.name, None) as advance,
    ):
        return enroll_video(
            video,
            networks,
            load_syncnet(),
            landmarker,
            lambda picture: enroll_portrait(networks, picture, name, landmarker_file),
            advance,
            tune=tune,
        )


def train(arguments: Arguments) -> None:
    """Makes a stage, or measures it."""
    from realtime.training.stages import MEASURES, STAGES, Options

    data = arguments.data
    if not (data / "clean").is_dir():
        raise InputError(f"expected --data to be the folder of `clean`, found none in {data}")
    options = Options(
        data=data,
        runs=arguments.runs,
        steps=arguments.steps,
        minutes=arguments.minutes,
        seed=arguments.seed,
        device=arguments.device,
        resume=arguments.resume,
        from_shipped=arguments.from_shipped,
        judges=arguments.judges,
    )
    if not arguments.measure:
        STAGES[arguments.stage](options)
    elif arguments.stage in MEASURES:
        report(MEASURES[arguments.stage](options), arguments.json)
    else:
        raise InputError(f"expected a stage that can be measured, {sorted(MEASURES)}")
