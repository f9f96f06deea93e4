"""Sound files: any audio or video file as 16 kHz mono, whole or in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from realtime.clock import SAMPLE_RATE, Sound
from realtime.errors import SoundError


def read_sound(path: Path) -> Sound:
    """The whole sound of a file as int16 [N], 16 kHz mono.

    Raises SoundError if there is no such file, it is not media, has no sound track or is silent.
    """
    sound = np.concatenate([np.zeros(0, np.int16), *sound_blocks(path)])
    if not sound.any():
        raise SoundError(f"expected sound in {path}, found nothing but digital silence")
    return sound


def sound_blocks(path: Path) -> Iterator[Sound]:
    """The sound of a file as it is decoded: blocks int16 [any], 16 kHz mono.

    Raises SoundError as `read_sound` does, but lets silence pass.
    """
    with _open(path) as container:
        if not container.streams.audio:
            raise SoundError(f"expected a sound track in {path}, found none")
        resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
        try:
            for frame in container.decode(audio=0):
                yield from _samples(resampler.resample(frame))
        except av.FFmpegError as error:
            raise SoundError(f"expected sound in {path}, found damaged data ({error})") from error
        yield from _samples(resampler.resample(None))


def _open(path: Path) -> InputContainer:
    if not path.is_file():
        raise SoundError(f"expected a sound file at {path}, found no such file")
    if path.stat().st_size == 0:
        raise SoundError(f"expected sound in {path}, found an empty file of 0 bytes")
    try:
        return av.open(str(path))
    except av.FFmpegError as error:
        raise SoundError(f"expected an audio or video file, found {path}, which is not") from error


def _samples(frames: list[AudioFrame]) -> Iterator[Sound]:
    for frame in frames:
        yield np.asarray(frame.to_ndarray()[0], np.int16)
