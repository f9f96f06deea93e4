"""A film as tensors of an .avatar file, and back, checked."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face import LANDMARKS, OVAL
from realtime.filmed_face import Film, FilmedFace
from realtime.models.lip_code import CODES, TOLD
from realtime.mouths import SHAPE, Mouths
from realtime.picture_bytes import decode, encode_jpeg

PARTS = frozenset(
    f"film_{part}"
    for part in ("video", "places", "rest", "habit", "mouths", "mouth_points", "triangles")
)
LONGEST_SIDE, MOST_PICTURES, MOST_MOUTHS = 1280, 1500, 128
_MOST_TRIANGLES = 4000


def tensors(film: Film) -> dict[str, NDArray[Any]]:
    """The parts by name; the mouths lie one below the other in one JPEG."""
    mouths = film.face.mouths
    return {
        "film_video": film.video,
        "film_places": np.ascontiguousarray(film.places, np.float32),
        "film_rest": np.ascontiguousarray(film.face.rest, np.float32),
        "film_habit": np.ascontiguousarray(film.face.habit, np.float32),
        "film_mouths": encode_jpeg(mouths.pictures.reshape(-1, *SHAPE[1:])),
        "film_mouth_points": np.ascontiguousarray(mouths.points, np.float32),
        "film_triangles": np.ascontiguousarray(mouths.triangles, np.int64),
    }


def film(tensors: Mapping[str, NDArray[Any]]) -> Film:
    """The film of the parts; raises ValueError with what was found unless it is sound."""
    points = _numbers(tensors, "mouth_points", (-1, LANDMARKS, 2))
    if not 0 < len(points) <= MOST_MOUTHS:
        raise ValueError(f"{len(points)} mouths")
    triangles = tensors["film_triangles"]
    corners = LANDMARKS + len(OVAL)
    if (
        triangles.dtype != np.int64
        or triangles.ndim != 2
        or triangles.shape[1] != 3
        or not 0 < len(triangles) <= _MOST_TRIANGLES
        or not 0 <= triangles.min() <= triangles.max() < corners
    ):
        raise ValueError("damaged triangles")
    habit = _numbers(tensors, "habit", (-1, CODES))
    if len(habit) not in (CODES + 1, TOLD + 1):
        raise ValueError(f"a habit of {len(habit)} rows")
    places = _numbers(tensors, "places", (-1, 3, 4))
    face = FilmedFace(
        rest=_numbers(tensors, "rest", (LANDMARKS, 3)),
        mouths=Mouths(_mouths(_bytes(tensors, "mouths"), len(points)), points, triangles),
        habit=habit,
    )
    video = _bytes(tensors, "video")
    _check_video(video, len(places))
    return Film(video, places, face)


def _numbers(
    tensors: Mapping[str, NDArray[Any]], part: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    array = tensors[f"film_{part}"]
    fits = array.ndim == len(shape) and all(
        wanted in (-1, side) for wanted, side in zip(shape, array.shape, strict=True)
    )
    if array.dtype != np.float32 or not fits or not np.isfinite(array).all():
        raise ValueError(f"{part} of type {array.dtype} and shape {array.shape}")
    return np.asarray(array, np.float32)


def _bytes(tensors: Mapping[str, NDArray[Any]], part: str) -> NDArray[np.uint8]:
    array = tensors[f"film_{part}"]
    if array.dtype != np.uint8 or array.ndim != 1:
        raise ValueError(f"{part} of type {array.dtype}")
    return np.asarray(array, np.uint8)


def _mouths(jpeg: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    sheet = decode(jpeg.tobytes(), cv2.IMREAD_COLOR_RGB, count * SHAPE[0] * SHAPE[1])
    if sheet is None or sheet.size != count * int(np.prod(SHAPE)):
        raise ValueError("mouths of another size")
    return sheet.reshape(count, *SHAPE)


def _check_video(video: NDArray[np.uint8], pictures: int) -> None:
    """One H.264 stream of as many pictures as there are places, none of them too large."""
    try:
        with av.open(BytesIO(video.tobytes()), "r", format="mp4") as container:
            stream = container.streams.video[0]
            found = f"{stream.frames} pictures of {stream.width}x{stream.height}"
            sound = stream.codec_context.name == "h264" and stream.frames == pictures
            sound &= 0 < pictures <= MOST_PICTURES
            sound &= 0 < max(stream.width, stream.height) <= LONGEST_SIDE
            next(container.decode(stream))
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise ValueError("a video that cannot be decoded") from error
    if not sound:
        raise ValueError(f"{found} for {pictures} places")
