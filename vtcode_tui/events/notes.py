"""Signed checkpoints as text that other people's tools read: C2SP signed note with the body of a tlog checkpoint.

    vtcode/0197...                       the origin: which log
    128                                  how many lines of it
    base64(SHA-256 of the last of them)
                                         an empty line
    — vtcode/0197... base64(key hash, 4 bytes, and the Ed25519 signature of the text above)

`cryptography` is imported by the functions that need it: it costs more than the rest of a start together.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

_ED25519 = b"\x01"


class Key:
    """An Ed25519 key; a session's lives in memory only and is forgotten when the session ends."""

    def __init__(self, seed: bytes | None = None) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = Ed25519PrivateKey.generate() if seed is None else Ed25519PrivateKey.from_private_bytes(seed)
        self._private: Ed25519PrivateKey | None = private
        self.public = private.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        """The public key in base64, as events carry it."""
        return base64.b64encode(self.public).decode()

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes. Raises RuntimeError once the key is forgotten."""
        if self._private is None:
            raise RuntimeError("this key was forgotten when its session ended")
        return self._private.sign(message)

    def seed(self) -> bytes:
        """The private half, for the host key's file."""
        if self._private is None:
            raise RuntimeError("this key was forgotten when its session ended")
        return self._private.private_bytes_raw()

    def forget(self) -> None:
        """Drop the private half."""
        self._private = None


def valid(public: bytes, message: bytes, signature: bytes) -> bool:
    """True when `signature` is the key's, over exactly these bytes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_hash(name: str, public: bytes) -> bytes:
    """The four bytes that name a key in a note."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """The key in the text form that note verifiers take: `name+hash+base64`."""
    return f"{name}+{key_hash(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint taken apart; `text` is what the signature is over."""

    origin: str
    size: int
    head: str
    text: bytes
    key_hash: bytes
    signature: bytes

    def signed_by(self, public: bytes) -> bool:
        """True when this key signed the note under the note's own origin."""
        return self.key_hash == key_hash(self.origin, public) and valid(public, self.text, self.signature)


def write_note(key: Key, origin: str, size: int, head: str) -> str:
    """A checkpoint over the first `size` lines of a log, the last of which has the digest `head`."""
    text = f"{origin}\n{size}\n{base64.b64encode(bytes.fromhex(head)).decode()}\n"
    signature = base64.b64encode(key_hash(origin, key.public) + key.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {origin} {signature}\n"


def read_note(note: str) -> Note:
    """Take a checkpoint apart. Raises ValueError when it is not one; checks no signature."""
    text, gap, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) != 3 or not signatures.endswith("\n") or signatures.count("\n") != 1:
        raise ValueError("not a checkpoint: three lines, an empty one and one signature are expected")
    origin, size, head = lines
    dash, name, blob = signatures[:-1].split(" ")
    if dash != "\N{EM DASH}" or name != origin:
        raise ValueError("the signature line of the checkpoint does not name its origin")
    try:
        digest = base64.b64decode(head, validate=True)
        raw = base64.b64decode(blob, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the checkpoint is not base64: {error}") from error
    if len(digest) != 32 or len(raw) != 68 or not (size.isascii() and size.isdigit()):
        raise ValueError("a field of the checkpoint has the wrong length")
    return Note(origin, int(size), digest.hex(), f"{text}\n".encode(), raw[:4], raw[4:])
