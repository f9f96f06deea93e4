"""`eval`: clips say their own words again, and are compared with what they showed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from realtime.clock import FRAME_SAMPLES, Sound
from realtime.commands.common import Arguments, load_networks, make_folder, report
from realtime.enroll.landmarks import Landmarker, find_model
from realtime.errors import InputError
from realtime.frame import Frame, Picture
from realtime.measure.published import PublishedMeters
from realtime.measure.published_syncnet import face_pictures
from realtime.measure.self_driven import (
    compare,
    crops,
    read_clip,
    read_pictures,
    speak,
    summary,
    table,
)
from realtime.models.syncnet import load_syncnet
from realtime.outputs.progress import bar
from realtime.outputs.video_file import VideoFile

_BESIDE = "real-and-made"


def evaluate(arguments: Arguments) -> None:
    """Every .mp4 of a folder; raises InputError when there is none.

    Of each, `--videos` gets what was made, and beside the real clip in a folder of its own.
    """
    paths = sorted(arguments.clips.glob("*.mp4"))
    if not paths:
        raise InputError(f"expected a folder of .mp4 clips, found none in {arguments.clips}")
    if arguments.videos:
        make_folder(arguments.videos / _BESIDE)
    meters = PublishedMeters(arguments.meters) if arguments.meters else None
    networks, judge = load_networks(), load_syncnet()
    rows: list[dict[str, Any]] = []
    with Landmarker(find_model(arguments.landmarker, os.environ)) as landmarker:
        for path in paths:
            pictures = read_pictures(path)
            with bar(path.stem, 3 * len(pictures)) as advance:
                clip = read_clip(path, pictures, landmarker, judge, advance)
                made = []
                for picture in speak(clip, networks, tune=arguments.tune):
                    made.append(picture)
                    advance()
                row = compare(clip, made, landmarker, judge, advance)
            if meters:
                row |= meters.compare(crops(clip, made), crops(clip, pictures))
                for suffix, shown in (("", made), ("_real", pictures)):
                    fit = meters.lip_sync(face_pictures(shown, clip.points), clip.heard)
                    row |= {f"{name}{suffix}": value for name, value in fit.items()}
            rows.append(row)
            if arguments.videos:
                write(arguments.videos / path.name, made, clip.sound)
                both = [np.hstack(each) for each in zip(pictures, made, strict=True)]
                write(arguments.videos / _BESIDE / path.name, both, clip.sound)
    print(table(rows))
    over_all = meters.summary() if meters else {}
    report(summary(rows) | over_all | {"clips": rows}, arguments.json)


def write(path: Path, pictures: Sequence[Picture], sound: Sound) -> None:
    """Pictures RGB uint8 [H, W, 3] and their sound; raises OutputError."""
    blocks = np.zeros((len(pictures), FRAME_SAMPLES), np.int16)
    count = min(len(sound), blocks.size)
    blocks.reshape(-1)[:count] = sound[:count]
    height, width = pictures[0].shape[:2]
    with VideoFile(path, (width, height)) as video:
        for index, picture in enumerate(pictures):
            video.write(Frame(index, picture, blocks[index]))
