"""What a true journal cannot say: a start that nobody allowed, a call that runs twice, a sandbox that came late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from vtcode_tui.events.chain import Problem
from vtcode_tui.events.spelling import Around
from vtcode_tui.events.sshsig import verifies

_BOUND = ("decision", "session", "call", "scope", "rule", "subject_sha256", "shown_sha256", "policy_sha256")
"""What an approval's statement says that the journal says too."""


class Sense:
    """Looks at the events of one session in order. Remembers digests only, whatever the session's length."""

    reads = frozenset(
        {
            b"policy.decided",
            b"approval.requested",
            b"approval.granted",
            b"sandbox.applied",
            b"exec.started",
            b"exec.finished",
            b"file.changed",
        }
    )

    def __init__(self) -> None:
        self._allowed: set[tuple[str, str]] = set()
        self._statements: set[str] = set()
        self._nonces: set[str] = set()
        self._policies: dict[tuple[str, str], str] = {}
        self._denied: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], str] = {}
        self._sandboxes: dict[str, set[str]] = {}
        self._started: set[tuple[str, str]] = set()
        self._running: dict[str, int] = {}
        self._files: dict[tuple[str, bool], str] = {}
        self.notes: list[tuple[int, str]] = []
        self.elsewhere: dict[int, str] = {}
        """Approvals, and the line that each was given after, where that is not the one right before it."""

    def __call__(self, seq: int, kind: bytes, around: Around, data: dict[str, Any], prev: str) -> list[Problem]:
        """What cannot be about this event, given those before it."""
        call = around.call
        found: list[str] = []
        match kind:
            case b"policy.decided":
                self._decided(call, data)
            case b"sandbox.applied":
                self._sandboxes.setdefault(call, set()).add(str(data.get("profile_sha256")))
            case b"exec.started":
                found = self._starts(call, data)
            case b"exec.finished":
                if not self._running.get(call):
                    found = ["ends a run that never started"]
                self._running[call] = self._running.get(call, 1) - 1
            case b"file.changed":
                self._file(seq, data)
            case b"approval.requested":
                self._asked[call, str(data.get("subject_sha256"))] = str(data.get("shown_sha256"))
            case b"approval.granted":
                found = self._granted(seq, around, data, prev)
        return [Problem("meaning", seq, f"event {seq} ({kind.decode()}) {text}") for text in found]

    def _decided(self, call: str, data: dict[str, Any]) -> None:
        subject = (call, str(data.get("subject_sha256")))
        self._policies[subject] = str(data.get("policy_sha256"))
        if data.get("decision") == "allow":
            self._allowed.add(subject)
            self._denied.discard(subject)
        else:
            # A later and stricter verdict takes an earlier permission back.
            self._allowed.discard(subject)
        if data.get("decision") == "deny":
            self._denied.add(subject)

    def _granted(self, seq: int, around: Around, data: dict[str, Any], prev: str) -> list[str]:
        subject = (around.call, str(data.get("subject_sha256")))
        statement = str(data.get("statement") or "")
        if statement and statement in self._statements:
            return ["holds a statement that was used before"]
        self._statements.add(statement)
        shown = self._asked.get(subject)
        # Who typed a command has approved it by typing; nothing was asked and nothing shown.
        typed = data.get("via") == "typed" and not data.get("shown_sha256") and around.actor == "human"
        if shown is None and not typed:
            return ["grants what was never asked"]
        if not typed and shown != data.get("shown_sha256"):
            return ["grants something else than what was shown"]
        if subject in self._denied:
            return ["grants what the policy denies"]
        self._allowed.add(subject)
        told = {**data, "session": around.session, "call": around.call, "decision": "granted"}
        return self._unsaid(seq, around.auth, {**told, "policy_sha256": self._policies.get(subject)}, prev)

    def _unsaid(self, seq: int, auth: str | None, told: dict[str, Any], prev: str) -> list[str]:
        """What an approval's own statement does not bear out; `told` is what the journal says of the same."""
        statement, signature = str(told.get("statement") or ""), str(told.get("signature") or "")
        if not signature and auth not in (None, "os-user"):
            return [f"claims the level {auth} and holds no signature"]
        if not statement:
            return []
        try:
            said = from_json(statement)
            bound, nonce, after = {name: said[name] for name in _BOUND}, str(said["nonce"]), str(said["prev"])
        except (ValueError, KeyError, TypeError):
            return ["holds a statement that cannot be read"]
        if wrong := [name for name, value in bound.items() if value != told.get(name)]:
            return [f"holds a statement about something else: {', '.join(wrong)}"]
        if nonce in self._nonces:
            return ["holds a statement whose nonce was used before"]
        self._nonces.add(nonce)
        if after != prev:
            self.elsewhere[seq] = after
        if not signature:
            return [] if said.get("auth") == "os-user" else [f"says {said.get('auth')!r} and holds no signature"]
        found = verifies(signature, statement.encode())
        if found is None:
            return ["holds a signature that does not belong to its statement"]
        return [] if auth == found.level else [f"claims the level {auth} and is signed at {found.level}"]

    def _starts(self, call: str, data: dict[str, Any]) -> list[str]:
        subject = (call, str(data.get("subject_sha256")))
        found = []
        if subject not in self._allowed:
            found.append("starts what neither a decision nor an approval of the same digest allowed")
        if subject in self._started:
            found.append("starts the same call a second time")
        if str(data.get("sandbox_sha256")) not in self._sandboxes.get(call, set()):
            found.append("starts before its sandbox was recorded")
        self._started.add(subject)
        self._running[call] = self._running.get(call, 0) + 1
        return found

    def _file(self, seq: int, data: dict[str, Any]) -> None:
        key = (str(data.get("path")), bool(data.get("staged")))
        before, after = str(data.get("before_sha256")), str(data.get("after_sha256"))
        known = self._files.get(key)
        if known is not None and before != known:
            # Not a defect of the journal: the human, or another program, changes files too.
            text = f"event {seq}: {key[0]} was changed by something else since this session last wrote it"
            self.notes.append((seq, text))
        self._files[key] = after


def unplaced(elsewhere: Mapping[int, str], lines: Iterable[bytes]) -> list[Problem]:
    """The approvals that were given after a line which does not stand before them. `lines` are a journal's own."""
    wanted = {prev.encode() for prev in elsewhere.values()}
    places: dict[bytes, int] = {}
    for seq, raw in enumerate(lines):
        if (prev := raw[-66:-2]) in wanted:
            places[prev] = seq
    return [
        Problem("meaning", seq, f"event {seq} (approval.granted) was given at another state of the journal: prev")
        for seq, prev in elsewhere.items()
        if places.get(prev.encode(), seq + 1) > seq
    ]
