"""SSHSIG, the signature format of `ssh-keygen -Y`: what is signed, how it is armoured, how it is verified.

PROTOCOL.sshsig of OpenSSH is the reference. Only SHA-512 and the key types that ssh-keygen makes today are known.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes

NAMESPACE = "vtcode-approval@v1"
_MAGIC = b"SSHSIG"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_PRESENT = 0x01


def string(data: bytes) -> bytes:
    """A length and the bytes, as the SSH protocols write them."""
    return struct.pack(">I", len(data)) + data


_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-256", "rsa-sha2-512")}
"""How a signature is named where that is not the name of its key's type."""


class Fields:
    """Reads such strings one after the other. Raises ValueError at a wrong length."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        """So many raw bytes."""
        if size > len(self._data) - self._at:
            raise ValueError("an SSH structure ends too early")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self) -> int:
        """A 32-bit number."""
        return int(struct.unpack(">I", self.take(4))[0])

    def string(self) -> bytes:
        """A length and so many bytes."""
        return self.take(self.number())

    def over(self) -> None:
        """Raise ValueError where there is something left."""
        if self._at < len(self._data):
            raise ValueError("something stands behind an SSH structure")

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data) - self._at)


def to_sign(message: bytes, namespace: str = NAMESPACE) -> bytes:
    """What the key signs for a message."""
    digest = hashlib.sha512(message).digest()
    return _MAGIC + string(namespace.encode()) + string(b"") + string(b"sha512") + string(digest)


def armored(public: bytes, signature: bytes, namespace: str = NAMESPACE) -> str:
    """The text form, from the key and the signature in SSH's own encodings."""
    blob = _MAGIC + struct.pack(">I", 1) + string(public) + string(namespace.encode()) + string(b"")
    text = base64.b64encode(blob + string(b"sha512") + string(signature)).decode()
    lines = "\n".join(text[at : at + 70] for at in range(0, len(text), 70))
    return f"{_BEGIN}\n{lines}\n{_END}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature taken apart; checked by `verifies`."""

    public: bytes
    namespace: str
    hash_name: bytes
    signature: bytes

    @property
    def key_type(self) -> str:
        """`ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, ..."""
        return Fields(self.public).string().decode("ascii", "replace")

    @property
    def level(self) -> str:
        """`sk-touch` for a key in hardware that somebody touched, `ssh-key` for any other."""
        if not self.key_type.startswith("sk-"):
            return "ssh-key"
        fields = Fields(self.signature)
        fields.string(), fields.string()
        return "sk-touch" if fields.take(1)[0] & _PRESENT else "ssh-key"


def parse(text: str) -> Signature:
    """Take an armored signature apart. Raises ValueError when it is not one."""
    begin, end = text.find(_BEGIN), text.find(_END)
    if begin < 0 or end < begin:
        raise ValueError("not an armored SSH signature")
    try:
        fields = Fields(base64.b64decode(text[begin + len(_BEGIN) : end], validate=False))
    except binascii.Error as error:
        raise ValueError(f"not an armored SSH signature: {error}") from error
    if fields.take(6) != _MAGIC or fields.number() != 1:
        raise ValueError("not an SSH signature of version 1")
    public, namespace, _, hash_name, signature = (fields.string() for _ in range(5))
    fields.over()
    return Signature(public, namespace.decode("utf-8", "replace"), hash_name, signature)


def verifies(text: str, message: bytes, namespace: str = NAMESPACE) -> Signature | None:
    """The signature when it is good over exactly this message in this namespace, else None."""
    try:
        found = parse(text)
        good = found.hash_name == b"sha512" and found.namespace == namespace
        return found if good and _good(found, to_sign(message, namespace)) else None
    except ValueError:
        return None


def _good(found: Signature, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    blob = Fields(found.signature)
    kind, raw = blob.string().decode("ascii", "replace"), blob.string()
    key_type, public = found.key_type, found.public
    if key_type.startswith("sk-"):
        flags_and_counter = blob.take(5)
        public, application = _without_application(found.public)
        data = hashlib.sha256(application).digest() + flags_and_counter + hashlib.sha256(data).digest()
    blob.over()
    if kind not in _ALGORITHMS.get(key_type, (key_type,)):
        return False
    try:
        name = Fields(public).string()
        key = load_ssh_public_key(name + b" " + base64.b64encode(public))
        match key:
            case ed25519.Ed25519PublicKey():
                key.verify(raw, data)
            case rsa.RSAPublicKey():
                digest = hashes.SHA256() if kind == "rsa-sha2-256" else hashes.SHA512()
                key.verify(raw, data, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey():
                key.verify(_ecdsa(raw), data, ec.ECDSA(_hash_of(key.curve.name)))
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm, NotImplementedError, ValueError):
        return False
    return True


def _without_application(public: bytes) -> tuple[bytes, bytes]:
    """The ordinary form of a hardware-backed key, and the application that it signs for."""
    fields = Fields(public)
    match fields.string():
        case b"sk-ssh-ed25519@openssh.com":
            point = fields.string()
            return string(b"ssh-ed25519") + string(point), fields.string()
        case b"sk-ecdsa-sha2-nistp256@openssh.com":
            curve, point = fields.string(), fields.string()
            return string(b"ecdsa-sha2-nistp256") + string(curve) + string(point), fields.string()
        case other:
            raise ValueError(f"an unknown kind of hardware key: {other!r}")


def _ecdsa(raw: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    fields = Fields(raw)
    return encode_dss_signature(int.from_bytes(fields.string(), "big"), int.from_bytes(fields.string(), "big"))


def _hash_of(curve: str) -> hashes.HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    return {"secp256r1": hashes.SHA256(), "secp384r1": hashes.SHA384(), "secp521r1": hashes.SHA512()}[curve]
