"""The control channel: JSON over the WebRTC data channel `control`.

The caller sends one object a message, at most 4096 bytes:

    {"type": "avatar", "name": "ava"}           another portrait; answered by "state"
    {"type": "lookahead", "ms": 80}             0, 40, 80 or 120; answered by "state"
    {"type": "background", "kind": "blur"}      "blur", or null for the photograph's own
    {"type": "mute", "on": true}                the portrait hears silence; answered by "state"
    {"type": "interrupt"}                       forget all sound on its way, and mute

and is sent:

    {"type": "state", "avatar", "lookahead_ms", "background", "muted", "session"}
    {"type": "interrupted", "closed_ms"}        message until the mouth at rest had left
    {"type": "stats", "fps", "frames", "dropped", "step_ms", "queue_ms", "encode_ms",
                      "skew_ms", "lookahead_ms", "concealed_ms", "late_ms", "lost"}  once a second
    {"type": "error", "text"}                   the message was refused, nothing has changed
    {"type": "ended", "text", "again"}          why the server ends the call; call again at once?
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from realtime.call.engines import EngineRequest
from realtime.call.limits import RefusalError


@dataclass(frozen=True)
class Change:
    """Another engine."""

    request: EngineRequest


@dataclass(frozen=True)
class Mute:
    """The portrait hears silence, or the caller again."""

    on: bool


@dataclass(frozen=True)
class Interrupt:
    """All sound on its way is forgotten."""


Command = Change | Mute | Interrupt


def parse(message: str | bytes, current: EngineRequest, most_bytes: int) -> Command:
    """A message -> what it asks for, given what is chosen now.

    Raises RefusalError (400) if the message is not one of the above.
    """
    fields = _fields(message, most_bytes)
    kind = fields.get("type")
    if kind == "interrupt":
        return Interrupt()
    if kind == "mute":
        return Mute(_value(fields, "on", bool))
    try:
        if kind == "avatar":
            return Change(replace(current, avatar=_value(fields, "name", str)))
        if kind == "lookahead":
            return Change(replace(current, lookahead_ms=_value(fields, "ms", int)))
    except ValueError as error:
        raise RefusalError(400, f"{error}.") from error
    if kind == "background" and fields.get("kind", "") in ("blur", None):
        return Change(replace(current, background=fields["kind"]))
    raise RefusalError(400, "Expected avatar, lookahead, background, mute or interrupt.")


def _fields(message: str | bytes, most_bytes: int) -> dict[str, Any]:
    size = len(message) if isinstance(message, bytes) else len(message.encode("utf-8", "replace"))
    if size > most_bytes:
        raise RefusalError(400, f"Expected at most {most_bytes} bytes, found {size}.")
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "Expected JSON, found something else.") from error
    if not isinstance(fields, dict):
        raise RefusalError(400, "Expected a JSON object.")
    return fields


def _value(fields: dict[str, Any], key: str, kind: type) -> Any:
    """The field, of exactly this type: JSON's true is no number."""
    value = fields.get(key)
    if type(value) is not kind:
        raise RefusalError(400, f"Expected {key} to be of type {kind.__name__}.")
    return value
