"""RFC 3161: the root log's head signed, with the time, by somebody else. `openssl ts -verify` checks the token."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vtcode_tui.common.errors import UsageError, VtcodeError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SECONDS = 5.0
"""So long a session's end waits for an authority at most, for the connection and for the answer each."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a token says, and whether an authority that the reader trusts signed it."""

    head: str
    time: datetime
    trusted: bool
    problem: str = ""


def authorities(path: Path) -> list[Certificate]:
    """The certificates of a PEM file: those that a token may be signed under. Raises UsageError."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} holds no certificates of a time-stamping authority: {error}") from error


def stamp(url: str, head: str, trusted: Sequence[Certificate] = ()) -> bytes:
    """Ask a time-stamping authority for a token over the root log's head.

    Raises VtcodeError when it does not give one for exactly this digest and this request, or one that `trusted`,
    when there are any, did not sign.
    """
    import httpx

    nonce = secrets.randbits(63)
    headers = {"Content-Type": "application/timestamp-query"}
    try:
        answer = httpx.post(
            url, content=request(head, nonce=nonce), headers=headers, timeout=_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        raise VtcodeError(f"the time-stamping authority {url} does not answer: {error}") from error
    found = read_stamp(answer.content, trusted, nonce=nonce) if answer.status_code == 200 else None
    if found is None or found.head != head or (trusted and not found.trusted):
        why = f"it answered {answer.status_code}" if found is None else found.problem or "it is for another digest"
        raise VtcodeError(f"the time-stamping authority {url} gave no token for this digest: {why}")
    return answer.content


def read_stamp(token: bytes, trusted: Sequence[Certificate], *, nonce: int | None = None) -> Stamp | None:
    """What a token says; None when the bytes are no granted token, or one for another request than `nonce`."""
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response = decode_timestamp_response(token)
        granted, said = response.status in (0, 1), response.tst_info
        head, moment = said.message_imprint.message, said.gen_time
    except ValueError:
        return None
    if not granted or len(head) != 32 or (nonce is not None and said.nonce != nonce):
        return None
    if not trusted:
        return Stamp(head.hex(), moment, trusted=False, problem="no authority was named that could have signed it")
    try:
        VerifierBuilder(roots=list(trusted)).build().verify(response, head)
    except (VerificationError, ValueError) as error:
        return Stamp(head.hex(), moment, trusted=False, problem=str(error))
    return Stamp(head.hex(), moment, trusted=True)


def request(head: str, *, nonce: int) -> bytes:
    """The request (DER) for the digest of the root log's head itself, so that `openssl ts -digest` takes it."""
    sha256 = _der(0x30, bytes.fromhex("0609608648016503040201") + b"\x05\x00")
    imprint = _der(0x30, sha256 + _der(4, bytes.fromhex(head)))
    number = _der(2, nonce.to_bytes(nonce.bit_length() // 8 + 1, "big"))  # its first bit is a sign
    return _der(0x30, b"\x02\x01\x01" + imprint + number + b"\x01\x01\xff")


def _der(tag: int, content: bytes) -> bytes:
    assert len(content) < 0x80, "a request for one SHA-256 digest is short"
    return bytes([tag, len(content)]) + content
