"""Trickled ICE candidates: an SDP fragment (RFC 8840) -> candidates."""

from __future__ import annotations

from aiortc import RTCIceCandidate
from aiortc.sdp import candidate_from_sdp

from realtime.call.limits import RefusalError


def candidates(fragment: str, most: int) -> list[RTCIceCandidate]:
    """The candidates of a fragment; raises RefusalError (400) if one is unfit or there are more."""
    found: list[RTCIceCandidate] = []
    mid = "0"
    for line in fragment.splitlines():
        if line.startswith("a=mid:"):
            mid = line.removeprefix("a=mid:")
        elif line.startswith("a=candidate:"):
            found.append(_candidate(line.removeprefix("a=candidate:"), mid))
    if len(found) > most:
        raise RefusalError(400, f"Expected at most {most} candidates, found {len(found)}.")
    return found


def _candidate(text: str, mid: str) -> RTCIceCandidate:
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, IndexError, ValueError) as error:
        raise RefusalError(400, "Expected an ICE candidate.") from error
    candidate.sdpMid = mid
    return candidate
