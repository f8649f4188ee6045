"""Signed approvals: a statement of exactly what was approved, and an SSHSIG that `ssh-keygen -Y verify` checks.

Levels, weakest first: `os-user` (the statement alone; the operating system says who), `ssh-key` (a key file or the
ssh-agent), `sk-touch` (a key in hardware that somebody touched). No process is started: the agent is spoken to over
its socket, and a key file is read here. Neither is reachable from a sandbox.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from vtcode_tui.common.clock import Clock, SystemClock, rfc3339
from vtcode_tui.common.errors import ConfigError, DeniedError
from vtcode_tui.config.settings import Approvals
from vtcode_tui.events.sshsig import Fields, armored, parse, string, to_sign, verifies
from vtcode_tui.gate.types import ApprovalRequest, Verdict

Level: TypeAlias = Literal["os-user", "ssh-key", "sk-touch"]
LEVELS: tuple[Level, ...] = ("os-user", "ssh-key", "sk-touch")
"""From the weakest to the strongest."""

_REQUEST_IDENTITIES, _IDENTITIES, _SIGN, _SIGNED = 11, 12, 13, 14
_RSA_SHA512 = 4
_LONGEST_ANSWER = 256 << 10


class KeySource(Protocol):
    """Something that holds a private key and signs with it."""

    async def public(self) -> bytes:
        """The public key, in SSH's encoding. Raises ConfigError when there is none."""
        ...

    async def sign(self, data: bytes) -> bytes:
        """The signature, in SSH's encoding. Raises DeniedError when it is refused."""
        ...


@dataclass(frozen=True, slots=True)
class Approved:
    """What a statement binds together."""

    session: str
    call: str
    scope: str
    rule: str
    subject_sha256: str
    shown_sha256: str
    policy_sha256: str
    nonce: str
    prev: str
    time: str
    auth: Level


def statement(approved: Approved) -> str:
    """The text that is signed: one line of JSON in a fixed order."""
    fields = {"v": 1, "decision": "granted"} | {name: getattr(approved, name) for name in Approved.__slots__}
    return json.dumps(fields, separators=(",", ":"))


class ApprovalSigner:
    """Signs what a human granted, at the level that settings and risk ask for; a weaker one is refused."""

    def __init__(
        self,
        *,
        session: str,
        head: Callable[[], str],
        settings: Approvals,
        source: KeySource | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._session, self._head, self._settings = session, head, settings
        self._source = source
        self._clock = clock or SystemClock()
        self.auth: Level = "os-user" if source is None else settings.signing

    async def __call__(self, request: ApprovalRequest, verdict: Verdict, policy_sha256: str) -> tuple[str, str]:
        """The statement and its signature (empty at level `os-user`).

        Raises DeniedError when the level that this risk requires cannot be had: the approval does not count then.
        """
        required = self._required(request.decision.risk)
        level = await self._level()
        if LEVELS.index(level) < LEVELS.index(required):
            raise DeniedError(
                f"approvals of {request.decision.risk} risk need a signature of level {required}, and this session "
                f"signs with {level}: set approvals.signing and approvals.signing_key"
            )
        text = statement(
            Approved(
                session=self._session,
                call=request.call.id,
                scope=verdict.scope,
                rule=verdict.rule.text if verdict.rule and verdict.scope != "once" else "",
                subject_sha256=request.subject_sha256,
                shown_sha256=request.shown_sha256,
                policy_sha256=policy_sha256,
                nonce=secrets.token_hex(16),
                prev=self._head(),
                time=rfc3339(self._clock.now()),
                auth=level,
            )
        )
        if self._source is None:
            return text, ""
        public = await self._source.public()
        signature = armored(public, await self._source.sign(to_sign(text.encode())))
        found = verifies(signature, text.encode())
        # What the agent gave back is checked here and now: also that a touch was really given.
        if found is None or LEVELS.index(_level_of(signature)) < LEVELS.index(required):
            raise DeniedError(f"the signature of the approval is not valid at level {required}")
        self.auth = _level_of(signature)
        return text, signature

    def _required(self, risk: str) -> Level:
        wanted: list[Level] = [level for of, level in self._settings.require.items() if of == risk]
        return max([self._settings.signing, *wanted], key=LEVELS.index)

    async def _level(self) -> Level:
        if self._source is None:
            return "os-user"
        key_type = Fields(await self._source.public()).string()
        return "sk-touch" if key_type.startswith(b"sk-") else "ssh-key"


def _level_of(signature: str) -> Level:
    return "sk-touch" if parse(signature).level == "sk-touch" else "ssh-key"


def key_source(settings: Approvals, environ: Mapping[str, str] | None = None) -> KeySource | None:
    """Where signatures come from by these settings; None at level `os-user`.

    Raises ConfigError when a level is asked for that nothing here can give.
    """
    if settings.signing == "os-user" and not any(level != "os-user" for level in settings.require.values()):
        return None
    env = os.environ if environ is None else environ
    wanted, path = None, Path(settings.signing_key).expanduser() if settings.signing_key else None
    if path is not None:
        public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
        wanted = _public_of(public) if public.is_file() else None
        if wanted is None and not path.is_file():
            raise ConfigError(f"the signing key {path} does not exist", key="approvals.signing_key")
    if agent := env.get("SSH_AUTH_SOCK"):
        return AgentKey(Path(agent), wanted, hardware=settings.signing == "sk-touch")
    if path is not None and path.suffix != ".pub":
        return FileKey(path)
    raise ConfigError(
        "approvals are to be signed and there is no key: start ssh-agent, or name a key file",
        key="approvals.signing_key",
    )


def _public_of(path: Path) -> bytes:
    try:
        return base64.b64decode(path.read_text().split()[1])
    except (OSError, IndexError, binascii.Error) as error:
        raise ConfigError(f"{path} is not a public SSH key: {error}", key="approvals.signing_key") from error


class FileKey:
    """A private key in a file without a passphrase; one with a passphrase belongs into the ssh-agent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def public(self) -> bytes:
        """The public half."""
        return await asyncio.to_thread(lambda: _public_blob(_load(self._path)))

    async def sign(self, data: bytes) -> bytes:
        """Sign in a thread."""
        return await asyncio.to_thread(lambda: _sign_with(_load(self._path), data))


def _load(path: Path) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        return load_ssh_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        reason = "it has a passphrase or is kept in hardware" if "encrypted" in str(error).lower() else str(error)
        raise ConfigError(
            f"{path} cannot be used ({reason}): add it to ssh-agent", key="approvals.signing_key"
        ) from error


def _public_blob(key: object) -> bytes:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    assert isinstance(key, ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    text = key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH)
    return base64.b64decode(text.split()[1])


def _sign_with(key: object, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

    match key:
        case ed25519.Ed25519PrivateKey():
            return string(b"ssh-ed25519") + string(key.sign(data))
        case rsa.RSAPrivateKey():
            return string(b"rsa-sha2-512") + string(key.sign(data, padding.PKCS1v15(), hashes.SHA512()))
        case _:
            raise ConfigError("this kind of key signs through ssh-agent only", key="approvals.signing_key")


class AgentKey:
    """A key in the ssh-agent, also one in hardware: then the agent waits until somebody touches it."""

    def __init__(self, socket: Path, wanted: bytes | None, *, hardware: bool = False) -> None:
        self._socket, self._wanted, self._hardware = socket, wanted, hardware

    async def public(self) -> bytes:
        """The key that was named, or the first one that fits."""
        fields = Fields(await self._ask(bytes([_REQUEST_IDENTITIES]), _IDENTITIES))
        keys = []
        for _ in range(fields.number()):
            keys.append(fields.string())
            fields.string()
        fitting = [
            key
            for key in keys
            if (key == self._wanted or self._wanted is None)
            and (not self._hardware or Fields(key).string().startswith(b"sk-"))
        ]
        if not fitting:
            raise ConfigError(f"ssh-agent holds {len(keys)} keys, none of them fits", key="approvals.signing_key")
        self._wanted = fitting[0]
        return fitting[0]

    async def sign(self, data: bytes) -> bytes:
        """Let the agent sign."""
        public = await self.public()
        flags = _RSA_SHA512 if Fields(public).string() == b"ssh-rsa" else 0
        request = bytes([_SIGN]) + string(public) + string(data) + struct.pack(">I", flags)
        return Fields(await self._ask(request, _SIGNED)).string()

    async def _ask(self, request: bytes, expected: int) -> bytes:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except OSError as error:
            raise ConfigError(f"ssh-agent at {self._socket} does not answer: {error.strerror}") from error
        try:
            writer.write(string(request))
            size = struct.unpack(">I", await reader.readexactly(4))[0]
            if not 0 < size <= _LONGEST_ANSWER:
                raise DeniedError("ssh-agent gave an answer that cannot be understood")
            answer = await reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise DeniedError("ssh-agent ended the conversation") from error
        finally:
            writer.close()
        if answer[0] != expected:
            raise DeniedError("ssh-agent refused to sign: the key was not touched, or its use was declined")
        return answer[1:]
