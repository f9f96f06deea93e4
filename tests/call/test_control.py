from __future__ import annotations

import pytest

from realtime.call.control import Change, Interrupt, Mute, parse
from realtime.call.engines import EngineRequest
from realtime.call.limits import RefusalError

NOW = EngineRequest("ava", 80, (512, 512), None)


@pytest.mark.parametrize(
    ("message", "command"),
    [
        ('{"type": "avatar", "name": "max"}', Change(EngineRequest("max", 80))),
        ('{"type": "lookahead", "ms": 0}', Change(EngineRequest("ava", 0))),
        ('{"type": "background", "kind": "blur"}', Change(EngineRequest("ava", background="blur"))),
        ('{"type": "background", "kind": null}', Change(NOW)),
        ('{"type": "mute", "on": true}', Mute(True)),
        ('{"type": "interrupt"}', Interrupt()),
        (b'{"type": "interrupt"}', Interrupt()),
    ],
)
def test_messages_of_the_schema_are_understood(message: str | bytes, command: object) -> None:
    assert parse(message, NOW, 4096) == command


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
        '{"type": "mute", "on": 1}',
        '{"type": "interrupt", "pad": "' + "x" * 5000 + '"}',
    ],
)
def test_anything_else_is_refused_in_words(message: str | bytes) -> None:
    with pytest.raises(RefusalError, match="xpected"):
        parse(message, NOW, 4096)
