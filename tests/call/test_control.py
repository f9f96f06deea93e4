from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from realtime.call.control import Change, Command, Interrupt, Mute, parse
from realtime.call.engines import EngineRequest
from realtime.call.limits import Limits, RefusalError
from realtime.manner import Manner
from realtime.picture_bytes import encode_jpeg

NOW = EngineRequest("ava", 80, (512, 512), colours={"hair": "black"})
PICTURE = encode_jpeg(np.zeros((8, 8, 3), np.uint8)).tobytes()
TURNED = {"yaw": 4, "pitch": -1.5, "roll": 0, "sway": 0.5, "blinks": 2}


def asked(message: str | bytes) -> EngineRequest | Command:
    """What is made of the message, with a change applied."""
    command = parse(message, Limits())
    return command.of(NOW) if isinstance(command, Change) else command


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ('{"type": "avatar", "name": "max"}', EngineRequest("max")),
        ('{"type": "lookahead", "ms": 0}', replace(NOW, lookahead_ms=0)),
        ('{"type": "background", "kind": "blur=0.2"}', replace(NOW, background="blur=0.2")),
        ('{"type": "background", "kind": "none"}', NOW),
        (PICTURE, replace(NOW, background=PICTURE)),
        (
            '{"type": "colours", "lips": "red"}',
            replace(NOW, colours={"lips": "red"}),
        ),
        (
            json.dumps({"type": "manner", **TURNED}),
            replace(NOW, manner=Manner(2.0, 0.5, 4.0, -1.5)),
        ),
        ('{"type": "mute", "on": true}', Mute(True)),
        ('{"type": "interrupt"}', Interrupt()),
        (b'{"type": "interrupt"}', Interrupt()),
    ],
)
def test_messages_of_the_schema_are_understood(message: str | bytes, meant: object) -> None:
    assert asked(message) == meant


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        "NaN",
        b"\xff\xfe",
        "\ud800",
        "[" * 3000,
        '{"type": 1}',
        '{"type": "avatar"}',
        '{"type": "avatar", "name": ""}',
        '{"type": "avatar", "name": 7}',
        '{"type": "avatar", "name": "' + "x" * 101 + '"}',
        '{"type": "lookahead", "ms": 50}',
        '{"type": "lookahead", "ms": true}',
        '{"type": "lookahead", "ms": 80.0}',
        '{"type": "background"}',
        '{"type": "background", "kind": []}',
        '{"type": "background", "kind": "blur=7"}',
        '{"type": "background", "kind": "/etc/passwd"}',
        PICTURE + bytes(60_000),
        '{"type": "colours", "lips": 7}',
        json.dumps({"type": "manner", **TURNED, "yaw": 40}),
        json.dumps({"type": "manner", **TURNED, "yaw": float("nan")}),
        json.dumps({"type": "manner", **TURNED, "yaw": True}),
        '{"type": "manner", "yaw": 4}',
        '{"type": "mute", "on": 1}',
        '{"type": "interrupt", "pad": "' + "x" * 5000 + '"}',
    ],
)
def test_anything_else_is_refused_in_words(message: str | bytes) -> None:
    with pytest.raises(RefusalError, match="xpected"):
        asked(message)
