"""Names of calls that say, signed, which worker holds them: so a front needs no memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from realtime.call.limits import RefusalError

_WORKER = re.compile(r"[A-Za-z0-9-]{1,64}")
_MAC_BYTES = 16


def new_name(worker: str, secret: bytes) -> str:
    """WORKER.RANDOM.MAC, which cannot be guessed; raises ValueError on a worker's name unfit."""
    if not _WORKER.fullmatch(worker):
        raise ValueError(f"expected a worker's name of letters, digits and '-', found {worker!r}")
    signed = f"{worker}.{secrets.token_urlsafe(16)}"
    return f"{signed}.{_mac(signed, secret)}"


def worker_of(name: str, secret: bytes) -> str:
    """The worker that holds a call; raises RefusalError (404) on a name that we did not sign."""
    signed, _, mac = name.rpartition(".")
    if not hmac.compare_digest(_mac(signed, secret).encode(), mac.encode()):
        raise RefusalError(404, "There is no such call.")
    return signed.partition(".")[0]


def _mac(signed: str, secret: bytes) -> str:
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
