"""STUN and TURN servers, for callers behind routers."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Self

from aiortc import RTCIceServer

from realtime.errors import InputError

_WRITTEN = re.compile(r"(stuns?|turns?):(?:([^:@]+):([^@]+)@)?([^@\s]+)")


@dataclass(frozen=True)
class IceServer:
    """A server of RFC 7064 or RFC 7065; a relay (TURN) asks for a name and a password."""

    url: str
    username: str | None = None
    credential: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """stun:HOST[:PORT] or turn:NAME:PASSWORD@HOST[:PORT]; else raises InputError."""
        found = _WRITTEN.fullmatch(text)
        if found is None or found[1].startswith("turn") != bool(found[2]):
            raise InputError(
                f"expected stun:HOST:PORT or turn:NAME:PASSWORD@HOST:PORT, found {text!r}"
            )
        scheme, name, password, host = found.groups()
        return cls(f"{scheme}:{host}", name, password)

    def for_aiortc(self) -> RTCIceServer:
        """As an aiortc peer is configured."""
        return RTCIceServer(self.url, self.username, self.credential)

    def for_browser(self) -> dict[str, str]:
        """As the page's RTCPeerConnection is configured."""
        named = asdict(self) | {"urls": self.url}
        del named["url"]
        return {key: value for key, value in named.items() if value is not None}
