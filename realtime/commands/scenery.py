"""What `--background` and `--pose-track` say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime.backdrop import COLOURS, Background, background, filling
from realtime.commands.common import Arguments
from realtime.enroll.portrait import SUFFIXES, read_picture
from realtime.errors import InputError
from realtime.picture_bytes import encode_jpeg
from realtime.pose_track import PoseTrack, read_track
from realtime.video_loop import VideoLoop

_CALLERS_SIZE = 1280, 720


def scenery(words: str, size: tuple[int, int], *, patient: bool = False) -> Background:
    """Words of `backdrop.background`, or a picture or a video by its path, for frames of `size`.

    A `patient` video is waited for. Raises InputError where nothing can be shown.
    """
    try:
        return background(words)
    except ValueError as error:
        path = Path(words)
        if not path.is_file():
            raise InputError(
                "expected none, blur, blur=0 to blur=1, a colour like #335577 or "
                f"{', '.join(COLOURS)}, or the file of a picture or a video, found {words!r}"
            ) from error
    if path.suffix.lower() in SUFFIXES:
        return read_picture(path)
    return VideoLoop(path, size, patient=patient)


def callers_scenery(words: str) -> str | bytes:
    """What callers begin with (`EngineRequest.background`): no video; raises InputError."""
    found = scenery(words, _CALLERS_SIZE)
    if isinstance(found, VideoLoop):
        raise InputError(f"expected a background of one picture for callers, found {words}")
    if Path(words).suffix.lower() in SUFFIXES and isinstance(found, np.ndarray):
        return encode_jpeg(filling(found, _CALLERS_SIZE)).tobytes()
    return COLOURS.get(words, words)


def pose_track(arguments: Arguments) -> PoseTrack | None:
    """The recorded motion of a head, if one is asked for; raises InputError."""
    return read_track(arguments.pose_track) if arguments.pose_track else None
