"""What a caller may use, and how often one may ask. Times are seconds, given by the caller."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from realtime.errors import SegTalkerError


class RefusalError(SegTalkerError):
    """A request refused: its HTTP status, and one sentence for people."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status

    def __str__(self) -> str:
        return str(self.args[1])


@dataclass(frozen=True)
class Limits:
    """Bounds of one server."""

    sessions: int = 4
    watchers_per_session: int = 4
    # An offer that does not lead to a connection within this time.
    connect_s: float = 20.0
    # A call in which no sound arrives.
    idle_s: float = 60.0
    absolute_s: float = 3600.0
    sdp_bytes: int = 64 * 1024
    candidates: int = 64
    message_bytes: int = 4096
    # A background that a caller brings along, over the control channel: one of its messages holds
    # no more.
    picture_bytes: int = 60_000
    messages_per_s: float = 20.0
    offers_per_s: float = 2.0
    offers_at_once: int = 20
    portrait_bytes: int = 12 * 1024 * 1024
    portrait_pixels: int = 24_000_000
    upload_s: float = 30.0
    enroll_s: float = 120.0


class Bucket:
    """Lets `rate` a second pass, and up to `burst` at once."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._seen = now

    def take(self, now: float) -> bool:
        """True if one more may pass now."""
        self._left = min(self._left + (now - self._seen) * self._rate, self._burst)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Buckets:
    """A bucket for each address; of more than `most` addresses the longest unseen is forgotten."""

    def __init__(self, rate: float, burst: float, most: int = 1000) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str, now: float) -> bool:
        """True if one more from this address may pass now."""
        bucket = self._buckets.setdefault(address, Bucket(self._rate, self._burst, now))
        self._buckets.move_to_end(address)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(now)


def check_offer(sdp: str, limits: Limits) -> None:
    """Raises RefusalError unless an SDP offer is small and asks for what a call can give."""
    if not sdp.startswith("v=0"):
        raise RefusalError(400, "Expected an SDP offer, found something else.")
    if len(sdp.encode()) > limits.sdp_bytes:
        raise RefusalError(413, f"Expected an offer of at most {limits.sdp_bytes} bytes.")
    lines = sdp.splitlines()
    kinds = [line[2:].split(" ")[0] for line in lines if line.startswith("m=")]
    extra = set(kinds) - {"audio", "video", "application"}
    if extra or any(kinds.count(kind) > 1 for kind in kinds) or "audio" not in kinds:
        raise RefusalError(
            400, f"Expected one audio and at most one video and data channel, found {kinds[:8]}."
        )
    if sum(line.startswith("a=candidate:") for line in lines) > limits.candidates:
        raise RefusalError(400, f"Expected at most {limits.candidates} candidates.")
