"""A video's pictures, 25 a second whatever its own rate, and pictures as a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.clock import FRAME_RATE
from realtime.errors import InputError

Picture = NDArray[np.uint8]

_LONGEST_SIDE = 4096
_QUALITY = "20"  # x264's constant rate factor


def pictures(path: Path) -> Iterator[Picture]:
    """Once through the video, RGB uint8 [H, W, 3] for every frame of ours; raises InputError."""
    shown = 0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            for frame in container.decode(stream):
                if max(frame.width, frame.height) > _LONGEST_SIDE:
                    raise ValueError("too large")
                due = FRAME_RATE * float(frame.time or 0.0)
                if due < shown - 0.5:
                    continue
                picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                while shown <= due + 0.5:
                    yield picture
                    shown += 1
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise InputError(
            f"expected a video of at most {_LONGEST_SIDE} pixels a side that can be decoded, "
            f"found something else in {path.name}"
        ) from error
    if not shown:
        raise InputError(f"expected a video with pictures, found none in {path.name}")


def encoded(pictures: Sequence[Picture]) -> NDArray[np.uint8]:
    """Pictures RGB uint8 [H, W, 3] of one even size as H.264 in MP4: uint8 [n]."""
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": _QUALITY})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return np.frombuffer(file.getvalue(), np.uint8)
