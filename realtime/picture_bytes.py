"""Pictures as bytes: how large a file claims to be before it is decoded, decoding, encoding."""

from __future__ import annotations

import struct

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Bytes = NDArray[np.uint8]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
# Start-of-frame markers carry the size; these three of their range mean something else.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_QUALITY = 95


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) written in the head of a PNG, JPEG or WebP; None for anything else."""
    try:
        if data.startswith(_PNG) and data[12:16] == b"IHDR":
            width, height = struct.unpack(">II", data[16:24])
            return width, height
        if data.startswith(_JPEG):
            return _jpeg_size(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
    except (struct.error, IndexError):
        pass
    return None


def decode(data: bytes, flags: int, largest: int) -> Picture | None:
    """Decodes a picture of at most `largest` pixels with cv2's `flags`; None if it cannot be."""
    size = claimed_size(data)
    if size is None or not 0 < size[0] * size[1] <= largest:
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if picture is None else np.asarray(picture, np.uint8)


def encode_jpeg(rgb: Picture) -> Bytes:
    """RGB uint8 [H, W, 3] -> JPEG bytes, uint8 [n]."""
    bgr = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
    # Colour at full resolution: lips and eyes are small.
    whole_colour = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encoded(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, *whole_colour])


def encode_png(picture: Picture) -> Bytes:
    """uint8 [H, W] or [H, W, 4], channels kept in their order -> PNG bytes, uint8 [n]."""
    return _encoded(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _encoded(suffix: str, picture: Picture, options: list[int]) -> Bytes:
    _, data = cv2.imencode(suffix, picture, options)
    return np.asarray(data, np.uint8).reshape(-1)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walks the segments up to the frame header; raises IndexError or struct.error without one."""
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        position += 2 + length
    raise IndexError("no frame header")


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little")
        height = int.from_bytes(data[27:30], "little")
        return width + 1, height + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF
