"""A video file: H.264 and AAC in MP4, picture and sound in sync, whole or not at all."""

from __future__ import annotations

import fractions
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from kernels.rgb_to_i420 import rgb_to_i420
from realtime.clock import FRAME_RATE, FRAME_SAMPLES, SAMPLE_RATE
from realtime.errors import OutputError
from realtime.frame import Frame

_AUDIO_BIT_RATE = 96_000
# Whoever is shown such a file can be told what it is.
_ORIGIN = "Synthetic: a portrait made to speak by SegTalker Live"


class VideoFile:
    """Writes frames of one size to `path`; a file that was begun and not ended is removed.

    Raises OutputError when the place cannot be written or the name does not end in .mp4.
    """

    def __init__(self, path: Path, size: tuple[int, int], *, quality: int = 18) -> None:
        if path.suffix.lower() != ".mp4":
            raise OutputError(f"expected an output name ending in .mp4, found {path.name}")
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        with self._writing():
            self._partial.touch()  # the library itself would only complain at the first frame
            self._container: OutputContainer = av.open(str(self._partial), "w", format="mp4")
        self._container.metadata["comment"] = _ORIGIN
        self._video = self._add_video(size, quality)
        self._audio = self._add_audio()

    def _add_video(self, size: tuple[int, int], quality: int) -> VideoStream:
        options = {"crf": str(quality), "preset": "veryfast"}
        stream = self._container.add_stream("libx264", rate=FRAME_RATE, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = fractions.Fraction(1, FRAME_RATE)
        return stream

    def _add_audio(self) -> AudioStream:
        stream = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = _AUDIO_BIT_RATE
        return stream

    def write(self, frame: Frame) -> None:
        """Adds a picture uint8 [H, W, 3] and its 640 samples at their common time."""
        picture = av.VideoFrame.from_ndarray(rgb_to_i420(frame.image), format="yuv420p")
        picture.pts = frame.index
        picture.time_base = fractions.Fraction(1, FRAME_RATE)
        sound = av.AudioFrame.from_ndarray(frame.sound[np.newaxis], format="s16", layout="mono")
        sound.sample_rate = SAMPLE_RATE
        sound.pts = frame.index * FRAME_SAMPLES
        sound.time_base = fractions.Fraction(1, SAMPLE_RATE)
        with self._writing():
            self._container.mux(self._video.encode(picture))
            self._container.mux(self._audio.encode(sound))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with self._writing():
                    self._container.mux(self._video.encode(None))
                    self._container.mux(self._audio.encode(None))
                    self._container.close()
                    self._partial.replace(self._path)
        finally:
            with suppress(OSError):  # Where a disk is full, closing fails as writing did.
                self._container.close()
            self._partial.unlink(missing_ok=True)
