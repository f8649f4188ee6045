"""Checks the signed approvals of a journal against a file of allowed signers, as ssh-keygen(1) describes it."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vtcode_tui.common.errors import UsageError
from vtcode_tui.events.chain import Problem
from vtcode_tui.events.lines import event_of, parse_line, read_lines
from vtcode_tui.events.sshsig import NAMESPACE, verifies
from vtcode_tui.events.types import ApprovalGranted, Event
from vtcode_tui.events.verdict import Report

_OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?(?:,|$)')


@dataclass(frozen=True, slots=True)
class Signer:
    """One line of an allowed signers file."""

    principals: str
    public: bytes
    namespaces: tuple[str, ...]
    after: str
    before: str

    def may_sign(self, moment: str) -> bool:
        """True for our namespace, within the time that the line allows."""
        named = not self.namespaces or any(fnmatch.fnmatchcase(NAMESPACE, one) for one in self.namespaces)
        digits = re.sub(r"[^0-9]", "", moment)[:14]
        return named and (not self.after or digits >= self.after) and (not self.before or digits < self.before)


def allowed_signers(path: Path) -> list[Signer]:
    """Read such a file. Raises UsageError at a line that is not understood."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            words = shlex.split(line, posix=False)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {error}") from error
        at = next((place for place, word in enumerate(words) if re.match(r"(?:sk-)?(?:ssh|ecdsa)-", word)), 0)
        options = dict(_OPTION.findall(" ".join(words[1:at]))) if at > 1 else {}
        if not 1 <= at < len(words) - 1 or "cert-authority" in options:
            raise UsageError(f"{path}:{number}: expected principals, options (no cert-authority), type and key")
        try:
            public = base64.b64decode(words[at + 1], validate=True)
        except binascii.Error as error:
            raise UsageError(f"{path}:{number}: the key is not base64") from error
        namespaces = tuple(one for one in options.get("namespaces", "").split(",") if one)
        after, before = (_moment(options.get(name, "")) for name in ("valid-after", "valid-before"))
        found.append(Signer(words[0].strip('"'), public, namespaces, after, before))
    return found


def _moment(text: str) -> str:
    """A time of the file as 14 digits in UTC; without `Z` it is local time, as ssh-keygen has it."""
    digits = text.rstrip("Z")
    if not digits:
        return ""
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if form is None:
        raise UsageError(f"{text!r} is not a time of an allowed signers file")
    moment = datetime.strptime(digits, form)
    moment = moment.replace(tzinfo=UTC) if text.endswith("Z") else moment.astimezone(UTC)
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def check_approvals(report: Report, signers: Path) -> Report:
    """The report with what is wrong with signed approvals, and a note of those that nobody signed."""
    allowed = allowed_signers(signers)
    problems: list[Problem] = []
    notes: list[str] = []
    heads: set[str] = set()
    nonces: set[str] = set()
    for raw in read_lines(report.path):
        if b'"approval.granted"' in raw:
            event = event_of(raw)
            if isinstance(event.data, ApprovalGranted):
                said = _check(event, event.data, allowed, heads, nonces)
                if said is None:
                    notes.append(f"event {event.seq}: approved by {event.actor.id} at level os-user, not signed")
                elif said.startswith("!"):
                    problems.append(Problem("signature", event.seq, f"event {event.seq}: {said[1:]}"))
                else:
                    notes.append(f"event {event.seq}: {said}")
        heads.add(hashlib.sha256(raw).hexdigest())
    if not problems:
        return replace(report, notes=(*report.notes, *notes))
    return replace(report, state="tampered", problems=(*report.problems, *problems), notes=(*report.notes, *notes))


def _check(
    event: Event, data: ApprovalGranted, allowed: Iterable[Signer], heads: set[str], nonces: set[str]
) -> str | None:
    """None: not signed. A text that begins with `!`: what is wrong. Any other: who signed."""
    if not data.signature:
        return None
    found = verifies(data.signature, data.statement.encode())
    if found is None:
        return "!the signature does not belong to the statement"
    try:
        said = parse_line(data.statement.encode())
    except (ValueError, RecursionError):
        return "!the signed statement cannot be read"
    bound = {
        "session": event.session,
        "call": event.call,
        "scope": data.scope,
        "subject_sha256": data.subject_sha256,
        "shown_sha256": data.shown_sha256,
    }
    wrong = [name for name, value in bound.items() if said.get(name) != value]
    if wrong:
        return f"!the signed statement is about something else: {', '.join(wrong)}"
    if str(said.get("prev")) not in heads:
        return "!the signed statement was made for another journal, or another state of this one"
    nonce = str(said.get("nonce"))
    if nonce in nonces:
        return "!the signed statement was used before"
    nonces.add(nonce)
    signer = next((one for one in allowed if one.public == found.public and one.may_sign(event.time)), None)
    if signer is None:
        return "!the key is not among the allowed signers, not for this purpose, or not at that time"
    return f"approved by {signer.principals} at level {found.level}"
