"""The .avatar file: everything the live path knows of one person.

A safetensors container. Pictures lie in it as JPEG or PNG bytes; its metadata is one JSON object
with the format's version, the texts, and the SHA-256 of the tensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_safetensors

from realtime import film_file
from realtime.errors import AvatarError, OutputError
from realtime.face import CROP, LANDMARKS
from realtime.filmed_face import Film
from realtime.manner import Manner
from realtime.mouth_plate import MouthPlate
from realtime.picture_bytes import decode, encode_jpeg, encode_png
from realtime.regions import REGIONS

VERSION = 1
LONGEST_SIDE = 1280

_METADATA_KEY = "segtalker_avatar"
_TEXTS = {"name": 100, "consent": 2000, "created": 40, "weights_hash": 64}
_LARGEST_FILE = 24 << 20
_LARGEST_CODES = 1 << 20
_MOST_EDITS, _LONGEST_EDIT = 100, 200
_PARTS = frozenset(
    {"picture", "matte", "mask", "points", "codes", "plate_upper", "plate_lower", "plate_light"}
)

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Avatar:
    """One enrolled person.

    name: what the avatar is called. picture: uint8 RGB [H, W, 3], longer side at most 1280, its
    mouth shut. points: float32 [478, 3] landmarks in picture pixels. mask: uint8 [256, 256]
    region ids in the canonical crop. matte: uint8 [H, W], 255 where the person is. plate: what lies
    behind the lips. codes: float32, the style encoder's codes. consent: the statement under which
    the avatar was made. created: ISO date. weights_hash: SHA-256 of the weights that made the
    codes. manner: how it behaves by itself. edits: what was changed since enrolment, in words.
    These two may be absent in a file: they came later, and a program that does not know them
    ignores them. film: what an avatar enrolled from a video shows instead of the picture; a program
    that does not know it refuses the file.
    """

    name: str
    picture: NDArray[np.uint8]
    points: NDArray[np.float32]
    mask: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    plate: MouthPlate
    codes: NDArray[np.float32]
    consent: str
    created: str
    weights_hash: str
    manner: Manner = field(default_factory=Manner)
    edits: tuple[str, ...] = ()
    film: Film | None = None


def save(avatar: Avatar, path: Path) -> None:
    """Writes the file whole or not at all; raises OutputError if it cannot."""
    tensors: Tensors = {
        "picture": encode_jpeg(avatar.picture),
        "matte": encode_png(avatar.matte),
        "mask": encode_png(avatar.mask),
        "plate_upper": encode_png(avatar.plate.upper),
        "plate_lower": encode_png(avatar.plate.lower),
        "plate_light": np.ascontiguousarray(avatar.plate.light, np.float32),
        "points": np.ascontiguousarray(avatar.points, np.float32),
        "codes": np.ascontiguousarray(avatar.codes, np.float32),
    }
    if avatar.film is not None:
        tensors |= film_file.tensors(avatar.film)
    texts = {key: getattr(avatar, key) for key in _TEXTS}
    about = {"version": VERSION, "sha256": _digest(tensors), **texts}
    about |= {"manner": asdict(avatar.manner), "edits": avatar.edits}
    _write_whole(path, to_safetensors(tensors, {_METADATA_KEY: json.dumps(about)}))


def recode(path: Path, codes: NDArray[np.float32], weights_hash: str) -> None:
    """Puts codes float32 [12, 64] of other weights into a file whose pictures stay, byte for byte.

    Raises AvatarError or OutputError where it cannot be read or written.
    """
    tensors, about = _read(path)
    tensors = {**tensors, "codes": np.ascontiguousarray(codes, np.float32)}
    about = {**about, "sha256": _digest(tensors), "weights_hash": weights_hash}
    _write_whole(path, to_safetensors(tensors, {_METADATA_KEY: json.dumps(about)}))


def load(path: Path) -> Avatar:
    """Reads and checks a file; raises AvatarError unless it is a whole .avatar of this version."""
    tensors, about = _read(path)
    picture = _image(path, tensors, "picture", cv2.IMREAD_COLOR_RGB, LONGEST_SIDE**2)
    height, width = picture.shape[:2]
    _demand(max(height, width) <= LONGEST_SIDE, path, f"a picture of {width}x{height} pixels")
    matte = _image(path, tensors, "matte", cv2.IMREAD_UNCHANGED, LONGEST_SIDE**2)
    _demand(matte.shape == (height, width), path, f"a matte of shape {matte.shape}")
    mask = _image(path, tensors, "mask", cv2.IMREAD_UNCHANGED, CROP**2)
    _demand(mask.shape == (CROP, CROP) and mask.max() < REGIONS, path, "a mask of another kind")
    points = _numbers(path, tensors, "points")
    _demand(points.shape == (LANDMARKS, 3), path, f"points of shape {points.shape}")
    inside = (points[:, :2] >= 0) & (points[:, :2] <= (width - 1, height - 1))
    _demand(bool(inside.all()), path, "points outside its picture")
    codes = _numbers(path, tensors, "codes")
    _demand(0 < codes.size <= _LARGEST_CODES, path, f"codes of shape {codes.shape}")
    plate = _plate(path, tensors)
    return Avatar(
        picture=picture,
        points=points,
        mask=mask,
        matte=matte,
        plate=plate,
        codes=codes,
        manner=_manner(path, about.get("manner", {})),
        edits=_edits(path, about.get("edits", [])),
        film=_film(path, tensors) if film_file.PARTS & set(tensors) else None,
        **{key: about[key] for key in _TEXTS},
    )


def _demand(fulfilled: bool, path: Path, found: str) -> None:
    if not fulfilled:
        raise AvatarError(
            f"expected a whole .avatar file of version {VERSION}, found {found} in {path.name}"
        )


def _read(path: Path) -> tuple[Tensors, Mapping[str, Any]]:
    """All tensors and the checked metadata; nothing is decoded yet."""
    try:
        size = path.stat().st_size
        _demand(size <= _LARGEST_FILE, path, f"{size} bytes")
        with safe_open(path, framework="numpy") as file:
            about = _metadata(path, file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise AvatarError(f"expected a readable .avatar file, found {error}") from error
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise AvatarError(
            f"expected a whole .avatar file, found something else in {path.name}"
        ) from error
    known = set(tensors) in (_PARTS, _PARTS | film_file.PARTS)
    _demand(known, path, f"the parts {sorted(tensors)}")
    _demand(_digest(tensors) == about["sha256"], path, "damaged data")
    return tensors, about


def _metadata(path: Path, metadata: Mapping[str, str]) -> Mapping[str, Any]:
    _demand(_METADATA_KEY in metadata, path, "no avatar metadata")
    about = json.loads(metadata[_METADATA_KEY])
    _demand(isinstance(about, dict), path, "damaged metadata")
    _demand(about.get("version") == VERSION, path, f"version {about.get('version')}")
    for key, longest in {**_TEXTS, "sha256": 64}.items():
        text = about.get(key)
        _demand(isinstance(text, str) and len(text) <= longest, path, f"no usable {key}")
    return dict(about)


def _manner(path: Path, about: Any) -> Manner:
    try:
        return Manner(**about)
    except (TypeError, ValueError) as error:
        raise AvatarError(f"expected a manner that can be, found {error} in {path.name}") from error


def _edits(path: Path, about: Any) -> tuple[str, ...]:
    sound = isinstance(about, list) and len(about) <= _MOST_EDITS
    sound = sound and all(isinstance(edit, str) and len(edit) <= _LONGEST_EDIT for edit in about)
    _demand(sound, path, "no usable list of edits")
    return tuple(about)


def _plate(path: Path, tensors: Tensors) -> MouthPlate:
    upper, lower = (
        _image(path, tensors, key, cv2.IMREAD_UNCHANGED, CROP**2)
        for key in ("plate_upper", "plate_lower")
    )
    for half in (upper, lower):
        _demand(half.shape == (CROP, CROP, 4), path, f"a plate of shape {half.shape}")
    light = _numbers(path, tensors, "plate_light")
    _demand(light.shape == (3,), path, f"a light of shape {light.shape}")
    return MouthPlate(upper, lower, light)


def _film(path: Path, tensors: Tensors) -> Film:
    try:
        return film_file.film(tensors)
    except ValueError as error:
        raise AvatarError(
            f"expected a film that can be shown, found {error} in {path.name}"
        ) from error


def _image(path: Path, tensors: Tensors, key: str, flags: int, largest: int) -> NDArray[np.uint8]:
    data = tensors[key]
    _demand(data.dtype == np.uint8 and data.ndim == 1, path, f"{key} of type {data.dtype}")
    image = decode(data.tobytes(), flags, largest)
    if image is None:
        raise AvatarError(f"expected a {key} of sound size and bytes, found none in {path.name}")
    return image


def _numbers(path: Path, tensors: Tensors, key: str) -> NDArray[np.float32]:
    array = tensors[key]
    _demand(array.dtype == np.float32, path, f"{key} of type {array.dtype}")
    _demand(bool(np.isfinite(array).all()), path, f"{key} that are not finite")
    return np.asarray(array, np.float32)


def _digest(tensors: Tensors) -> str:
    """SHA-256 over names, types, shapes and bytes of all tensors."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        array = tensors[key]
        digest.update(f"{key} {array.dtype} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _write_whole(path: Path, data: bytes) -> None:
    """A temporary neighbour is renamed into place, so nobody ever sees half a file."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
