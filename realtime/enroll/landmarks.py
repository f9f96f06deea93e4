"""Landmarks of a portrait: MediaPipe's Face Landmarker, found or fetched, and what it refuses."""

from __future__ import annotations

import hashlib
import math
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ModelError, PortraitError
from realtime.face import Points
from realtime.view import face_height

Picture = NDArray[np.uint8]

MODEL_NAME = "face_landmarker.task"
MODEL_BYTES = 3_758_596
MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/"
    f"face_landmarker/float16/1/{MODEL_NAME}"
)
_VARIABLE = "AVATAR_LANDMARKER"
_FETCH_TIMEOUT_S = 30.0

_LEAST_FACE_PX = 100
_GREATEST_YAW = 30.0


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where fetched models are kept for this user."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "segtalker-live"


def find_model(given: Path | None, environment: Mapping[str, str]) -> Path:
    """The landmarker's file: as given, by AVATAR_LANDMARKER, from the cache, or fetched into it.

    Raises ModelError if it is missing, is another file, or cannot be fetched.
    """
    named = given or (Path(environment[_VARIABLE]) if environment.get(_VARIABLE) else None)
    if named is not None:
        _check(named)
        return named
    cached = cache_folder(environment) / MODEL_NAME
    if not cached.is_file():
        _fetch(cached)
    _check(cached)
    return cached


def _check(path: Path) -> None:
    try:
        data = path.read_bytes() if path.stat().st_size == MODEL_BYTES else b""
    except OSError as error:
        raise ModelError(f"expected {MODEL_NAME} at {path}, found {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise ModelError(f"expected {MODEL_NAME} of MediaPipe at {path}, found another file")


def _fetch(path: Path) -> None:
    """Downloads the model whole or not at all."""
    try:
        with urllib.request.urlopen(MODEL_URL, timeout=_FETCH_TIMEOUT_S) as answer:
            data = answer.read(MODEL_BYTES + 1)
        if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
            raise ModelError(f"expected {MODEL_NAME} from {MODEL_URL}, found another file")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise ModelError(
            f"{MODEL_NAME} could not be fetched ({error}): download {MODEL_URL} "
            f"and name its place with --landmarker or {_VARIABLE}"
        ) from error


class Landmarker:
    """Finds faces in pictures; a context manager, since it holds native memory."""

    def __init__(self, model: Path) -> None:
        """Raises ModelError if MediaPipe is not installed."""
        try:
            from mediapipe.tasks.python import BaseOptions, vision
        except ImportError as error:
            raise ModelError(
                "enrolment needs MediaPipe: pip install 'segtalker-live[enroll]'"
            ) from error
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model)),
            num_faces=2,
            output_facial_transformation_matrixes=True,
        )
        self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._landmarker.close()

    def faces(self, picture: Picture) -> list[tuple[Points, float]]:
        """Up to two faces of RGB uint8 [H, W, 3]: points [478, 3] and yaw in degrees."""
        import mediapipe

        image = mediapipe.Image(
            image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture)
        )
        result = self._landmarker.detect(image)
        height, width = picture.shape[:2]
        unit = np.array([width, height, width], np.float32)
        return [
            (np.array([(p.x, p.y, p.z) for p in points], np.float32) * unit, _yaw(matrix))
            for points, matrix in zip(
                result.face_landmarks, result.facial_transformation_matrixes, strict=True
            )
        ]


def _yaw(matrix: NDArray[np.float32]) -> float:
    """Degrees the nose points aside, of a MediaPipe face pose [4, 4]."""
    return math.degrees(math.atan2(float(matrix[0, 2]), float(matrix[2, 2])))


def portrait_points(landmarker: Landmarker, picture: Picture) -> Points:
    """Points float32 [478, 3] of the one face of a portrait, RGB uint8 [H, W, 3].

    Raises PortraitError unless there is exactly one face, turned to the camera, large enough and
    whole.
    """
    faces = landmarker.faces(picture)
    if len(faces) != 1:
        found = "none" if not faces else "more than one"
        raise PortraitError(f"expected exactly one face, found {found}")
    points, yaw = faces[0]
    if abs(yaw) > _GREATEST_YAW:
        raise PortraitError(
            f"expected a face that looks at the camera, found one turned by {abs(yaw):.0f} degrees"
        )
    if face_height(points) < _LEAST_FACE_PX:
        raise PortraitError(
            f"expected a face at least {_LEAST_FACE_PX} pixels high, "
            f"found {face_height(points):.0f} pixels"
        )
    height, width = picture.shape[:2]
    if (points[:, :2] < 0).any() or (points[:, :2] > (width - 1, height - 1)).any():
        raise PortraitError("expected the whole face in the picture, found it cut by the border")
    return points
