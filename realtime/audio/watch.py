"""Notices that a device has gone quiet, and says when to try it again."""

from __future__ import annotations

from dataclasses import dataclass

# A callback comes every 10 ms; half a second of nothing is not a hiccup but an unplugged device.
PATIENCE_S = 0.5
RETRY_S = 1.0


@dataclass
class Watch:
    """Time comes in as an argument, in seconds of one monotonic clock."""

    last_sign: float
    _next_try: float = 0.0

    def sign(self, now: float) -> None:
        """The device has just given or taken samples."""
        self.last_sign = now

    def lost(self, now: float) -> bool:
        return now - self.last_sign > PATIENCE_S

    def should_reopen(self, now: float) -> bool:
        """True once every RETRY_S while the device is lost."""
        if not self.lost(now) or now < self._next_try:
            return False
        self._next_try = now + RETRY_S
        return True
