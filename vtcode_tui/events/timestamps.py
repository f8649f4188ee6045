"""RFC 3161: the root log's head signed, with the time, by somebody else. `openssl ts -verify` checks the token."""

from __future__ import annotations

import re

from vtcode_tui.common.errors import VtcodeError
from vtcode_tui.events.anchors import timestamp_request

_IMPRINT = re.compile(
    rb"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20(.{32})", re.DOTALL
)


def stamp(url: str, head: str) -> bytes:
    """Ask a time-stamping authority for a token over the root log's head.

    Raises VtcodeError when it does not give one for exactly this digest.
    """
    import httpx

    headers = {"Content-Type": "application/timestamp-query"}
    try:
        answer = httpx.post(url, content=timestamp_request(head), headers=headers, timeout=30, trust_env=False)
    except httpx.HTTPError as error:
        raise VtcodeError(f"the time-stamping authority {url} does not answer: {error}") from error
    if answer.status_code != 200 or stamped(answer.content) != head:
        raise VtcodeError(f"the time-stamping authority {url} gave no token for this digest ({answer.status_code})")
    return answer.content


def stamped(token: bytes) -> str:
    """The digest that a token is about; empty when the bytes are no token."""
    found = _IMPRINT.search(token)
    return found[1].hex() if found else ""
