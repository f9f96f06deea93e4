"""The measuring voices, spoken by an avatar: one video a voice, for any outside meter."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from realtime.audio.sources import read_sound
from realtime.clock import SAMPLE_RATE, Sound
from realtime.frame import Steps
from realtime.outputs.playback import Clock, play
from realtime.outputs.video_file import VideoFile


def measuring_voices(measure: Path) -> Iterator[tuple[str, Sound]]:
    """(clip, int16 [N]) for every row of `sync_rows.tsv` in the folder `measure`."""
    with (measure / "sync_rows.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for row in rows:
        place = measure / "motion" / row["speaker"]
        with np.load(place.with_suffix(".npz")) as motion:
            at = [str(clip) for clip in motion["clip"]].index(row["clip"])
            first, count = int(motion["sample0"][at]), int(motion["samples"][at])
        yield row["clip"], read_sound(place.with_suffix(".opus"))[first : first + count]


def render_voices(
    measure: Path,
    videos: Path,
    make_engine: Callable[[], Steps],
    *,
    lookahead: int,
    now: Clock,
) -> dict[str, float]:
    """Writes `videos`/CLIP.mp4 for every measuring voice; seconds of video by clip."""
    videos.mkdir(parents=True, exist_ok=True)
    seconds = {}
    for clip, sound in measuring_voices(measure):
        engine = make_engine()
        video = VideoFile(videos / f"{clip}.mp4", engine.size)
        play(engine, [sound], [video], lookahead=lookahead, now=now)
        seconds[clip] = len(sound) / SAMPLE_RATE
    return seconds
