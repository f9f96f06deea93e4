"""The control channel: JSON over the WebRTC data channel `control`.

The caller sends one object a message, at most 4096 bytes, each answered by "state" or "error":

    {"type": "avatar", "name": "ava"}           another portrait, in its own colours
    {"type": "lookahead", "ms": 80}             0, 40, 80 or 120
    {"type": "colours", "hair": "auburn"}       the palette's by part, its own for all others
    {"type": "manner", "yaw": 4, "pitch": 0, "roll": 0, "sway": 1, "blinks": 1}     in degrees, or 1
                                                for what is usual: see `realtime.manner.RANGES`
    {"type": "background", "kind": "blur=0.5"}  or "none", "#335577"
    {"type": "mute", "on": true}                the portrait hears silence
    {"type": "interrupt"}                       forget all sound on its way, and mute

or, in a binary message of at most 60,000 bytes, a JPEG, PNG or WebP picture for the background,

and is sent:

    {"type": "state", "avatar", "lookahead_ms", "colours", "manner", "background", "muted",
                      "session"}                of these, `manner` is null for the avatar's own
    {"type": "interrupted", "closed_ms"}        message until the mouth at rest had left
    {"type": "stats", "fps", "frames", "dropped", "step_ms", "queue_ms", "encode_ms",
                      "skew_ms", "lookahead_ms", "concealed_ms", "late_ms", "lost"}  once a second
    {"type": "error", "text"}                   the message was refused, nothing has changed
    {"type": "ended", "text", "again"}          why the server ends the call; call again at once?
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from realtime.call.engines import EngineRequest
from realtime.call.limits import Limits, RefusalError
from realtime.manner import Manner
from realtime.picture_bytes import claimed_size


@dataclass(frozen=True)
class Change:
    """Another engine: what is different in its request."""

    asked: Mapping[str, Any]

    def of(self, request: EngineRequest) -> EngineRequest:
        """The request with the change; raises RefusalError (400) if it cannot be asked for."""
        try:
            return replace(request, **self.asked)
        except ValueError as error:
            raise RefusalError(400, f"{error}.") from error


@dataclass(frozen=True)
class Mute:
    """The portrait hears silence, or the caller again."""

    on: bool


@dataclass(frozen=True)
class Interrupt:
    """All sound on its way is forgotten."""


Command = Change | Mute | Interrupt


def parse(message: str | bytes, limits: Limits) -> Command:
    """A message -> what it asks for; RefusalError (400) if it is not one of the above."""
    size = len(message) if isinstance(message, bytes) else len(message.encode("utf-8", "replace"))
    is_picture = isinstance(message, bytes) and claimed_size(message) is not None
    most = limits.picture_bytes if is_picture else limits.message_bytes
    if size > most:
        raise RefusalError(400, f"Expected at most {most} bytes, found {size}.")
    if is_picture:
        return Change({"background": message})
    fields = _fields(message)
    reader = _READERS.get(str(fields.pop("type", None)))
    if reader is None:
        raise RefusalError(400, f"Expected a type of {', '.join(_READERS)}.")
    return reader(fields)


def _colours(fields: dict[str, Any]) -> Command:
    return Change({"colours": {part: _value(fields, part, str) for part in fields}})


def _manner(given: dict[str, Any]) -> Command:
    names = [each.name for each in fields(Manner)]
    try:
        return Change({"manner": Manner(**{name: _number(given, name) for name in names})})
    except ValueError as error:
        raise RefusalError(400, f"{error}.") from error


_READERS: Mapping[str, Callable[[dict[str, Any]], Command]] = {
    "avatar": lambda fields: Change({"avatar": _value(fields, "name", str), "colours": {}}),
    "lookahead": lambda fields: Change({"lookahead_ms": _value(fields, "ms", int)}),
    "colours": _colours,
    "manner": _manner,
    "background": lambda fields: Change({"background": _value(fields, "kind", str)}),
    "mute": lambda fields: Mute(_value(fields, "on", bool)),
    "interrupt": lambda _: Interrupt(),
}


def _fields(message: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "Expected JSON, found something else.") from error
    if not isinstance(found, dict):
        raise RefusalError(400, "Expected a JSON object.")
    return found


def _number(given: dict[str, Any], key: str) -> float:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusalError(400, f"Expected {key} to be a number.")
    return float(value)


def _value(fields: dict[str, Any], key: str, kind: type) -> Any:
    """The field, of exactly this type: JSON's true is no number."""
    value = fields.get(key)
    if type(value) is not kind:
        raise RefusalError(400, f"Expected {key} to be of type {kind.__name__}.")
    return value
