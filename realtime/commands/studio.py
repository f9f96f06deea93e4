"""Engines for callers, who share networks, portraits and what was made of them."""

from __future__ import annotations

from functools import lru_cache

import cv2

from realtime import backdrop
from realtime.avatar_file import Avatar
from realtime.backdrop import Background
from realtime.call.engines import EngineRequest
from realtime.engine import Engine, Outfit
from realtime.enroll.edit import Edit, edited, named_style
from realtime.errors import InputError
from realtime.frame import Steps
from realtime.gallery import Portraits
from realtime.models.face_parser import FaceParser
from realtime.models.networks import Networks
from realtime.models.renderer import Backend
from realtime.picture_bytes import decode

# Of avatars in other colours and of backgrounds so many are kept for the next change.
_KEPT = 8
_LARGEST_PIXELS = 4_000_000


class Studio:
    """Makes engines (`realtime.call.engines.MakeEngine`), and other looks of those under way."""

    def __init__(
        self, networks: Networks, gallery: Portraits, parser: FaceParser, backend: Backend
    ) -> None:
        self._networks = networks
        self._gallery = gallery
        self._parser = parser
        self._backend = backend
        # The same object for the same wish: an engine makes nothing anew that stays.
        self._avatar = lru_cache(_KEPT)(self._coloured)
        self._background = lru_cache(_KEPT)(_background)

    def __call__(self, request: EngineRequest, before: Steps | None = None) -> Engine:
        avatar = self._avatar(request.avatar, tuple(request.colours.items()))
        background = self._background(request.background)
        outfit = Outfit(avatar, background, request.manner or avatar.manner)
        asked = request.lookahead_ms, request.size
        if isinstance(before, Engine) and (before.lookahead_ms, before.size) == asked:
            return before.changed(outfit)
        engine = Engine(
            self._networks,
            avatar,
            lookahead_ms=request.lookahead_ms,
            size=request.size,
            background=background,
            backend=self._backend,
        )
        return engine.changed(outfit)

    def _coloured(self, name: str, colours: tuple[tuple[str, str], ...]) -> Avatar:
        avatar = self._gallery.load(name)
        if not colours:
            return avatar
        edit = Edit({part: named_style(part, name) for part, name in colours})
        return edited(avatar, edit, self._parser, self._networks)


def _background(asked: str | bytes) -> Background:
    if isinstance(asked, str):
        return backdrop.background(asked)
    picture = decode(asked, cv2.IMREAD_COLOR_RGB, _LARGEST_PIXELS)
    if picture is None:
        raise InputError("expected a whole JPEG, PNG or WebP of at most 4 megapixels, found none")
    return picture
