"""The gate: policy, then the human, then the journal, and only then a Grant. No other code makes one."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

from vtcode_tui.common.clock import Clock, SystemClock
from vtcode_tui.common.errors import DeniedError
from vtcode_tui.common.files import sha256_of
from vtcode_tui.events.types import (
    Actor,
    ApprovalDenied,
    ApprovalGranted,
    ApprovalRequested,
    CheckRecord,
    PolicyDecided,
    Severity,
)
from vtcode_tui.events.within import Recorder
from vtcode_tui.gate.judging import Judge, uncontained
from vtcode_tui.gate.plan import Plan
from vtcode_tui.gate.showing import allowances, shown
from vtcode_tui.gate.subject import Programs, Subject, named_programs, stale, subject_of
from vtcode_tui.gate.types import ApprovalRequest, Approver, Refusal, Verdict
from vtcode_tui.policy.types import Decision, Mode
from vtcode_tui.sandbox.capability import NO_SANDBOX
from vtcode_tui.sandbox.grant import Execute, Grant, Invoke
from vtcode_tui.sandbox.profile import Profile

GRANT_SECONDS = 900
"""How long a grant may wait for its run to begin; earlier calls of the same message may have to end first."""

_LONGEST_EXPLANATION = 16 << 10
_POLICY = Actor(kind="policy", id="policy")

_SEVERITY: Mapping[Mode, Severity] = {"allow": "info", "prompt": "low", "deny": "medium"}

Signer = Callable[["ApprovalRequest", "Verdict", str], Awaitable[tuple[str, str]]]
"""From what was approved and the policy's digest to the signed statement and its signature."""


class Profiles(Protocol):
    """Computes what the sandbox will enforce for a plan."""

    def __call__(self, plan: Plan, decision: Decision) -> Profile:
        """The profile of one run; never from what the model said about itself."""
        ...


async def unsigned(request: ApprovalRequest, verdict: Verdict, policy_sha256: str) -> tuple[str, str]:
    """No statement and no signature: the human is known by the operating system's user."""
    return "", ""


class Gate:
    """Turns plans into grants. An error anywhere on the way means that there is no grant."""

    def __init__(
        self,
        *,
        bus: Recorder,
        judge: Judge,
        approver: Approver,
        profiles: Profiles,
        programs: Programs,
        root: Path,
        redact: Callable[[str], str] = str,
        sign: Signer = unsigned,
        auth: Callable[[], Literal["os-user", "ssh-key", "sk-touch"]] = lambda: "os-user",
        clock: Clock | None = None,
        expire_seconds: float | None = None,
        contained: bool = True,
    ) -> None:
        self._bus, self._judge, self._approver = bus, judge, approver
        self._profiles, self._programs, self._root = profiles, programs, root
        self._redact, self._sign = redact, sign
        self._clock = clock or SystemClock()
        self._expire_seconds = expire_seconds
        self._auth = auth
        self._contained = contained

    def _human(self, *, signed: bool = False) -> Actor:
        """The person, known by a key only where that key signed."""
        auth = self._auth() if signed else "os-user"
        return Actor(kind="human", id=f"{getpass.getuser()}:{os.getuid()}", auth=auth)

    async def admit(self, plan: Plan, *, turn: int = 0) -> Grant | Refusal:
        """Decide on a plan, ask the human where the policy says so, and grant it; every step is on disk first.

        Raises JournalError when a step could not be recorded; nothing may run then.
        """
        admitted = await self._admit(plan, turn)
        if isinstance(admitted, Refusal):
            return admitted
        return self._grant(*admitted)

    async def own(self, plan: Plan, profile: Profile, why: str, *, turn: int = 0) -> Grant:
        """A grant for vtcode's own work (a preview, a listing, what the human accepted); it is recorded as such.

        The call's origin must be `system` or `human`: what a model asked for never comes this way.
        """
        if plan.call.origin == "model" or not isinstance(plan.work, Invoke):
            raise DeniedError("only vtcode's own functions run without a decision of the policy")
        subject = await subject_of(plan, (), profile.environment, self._programs)
        if isinstance(subject, Refusal) or subject.work is None:
            raise DeniedError(f"{plan.call.tool} has no work of its own")
        await self._bus.record(
            PolicyDecided(
                decision="allow",
                rule="vtcode.own",
                reason=why,
                subject_sha256=subject.sha256,
                policy_sha256=self._judge.sha256,
            ),
            turn=turn,
            call=plan.call.id,
            actor=_POLICY,
            follows=True,  # its start is on disk before it begins
        )
        return self._grant(plan, subject, profile)

    def _grant(self, plan: Plan, subject: Subject, profile: Profile) -> Grant:
        if subject.work is None:
            raise DeniedError(f"{plan.call.tool} has no work of its own")
        return Grant(
            nonce=secrets.token_hex(16),
            call=plan.call.id,
            subject_sha256=subject.sha256,
            work=subject.work,
            cwd=plan.call.cwd,
            profile=profile,
            expires_ns=self._clock.monotonic_ns() + GRANT_SECONDS * 1_000_000_000,
            pins=subject.pins,
        )

    async def permit(self, plan: Plan, *, turn: int = 0) -> Refusal | None:
        """The same way for a call without a run of its own; None is permission."""
        admitted = await self._admit(plan, turn)
        return admitted if isinstance(admitted, Refusal) else None

    async def _admit(self, plan: Plan, turn: int) -> tuple[Plan, Subject, Profile] | Refusal:
        while True:
            decided = await self._decide(plan, turn)
            if isinstance(decided, Refusal):
                return decided
            decision, subject, profile, policy = decided
            if decision.mode == "allow":
                return plan, subject, profile
            if plan.call.origin == "human":
                # Who typed the command has approved it; denials never get here. Nothing was shown to be approved.
                typed = replace(self._request(plan, decision, subject, profile), shown_sha256="")
                refused = await self._granted(plan, subject, Verdict("granted", via="typed"), turn, typed, policy)
                return refused or (plan, subject, profile)
            for event in plan.order.after:
                await event.wait()
            request = self._request(plan, decision, subject, profile)
            verdict = await self._ask(request, turn, plan.order.asked)
            if verdict.outcome != "granted":
                return self._refusal(verdict, decision)
            if verdict.edited is not None and plan.revise is not None:
                plan = plan.revise(verdict.edited)
                continue
            if changed := await stale(subject, self._programs):
                reason = f"{changed} changed while the approval was waiting; what was approved no longer exists."
                await self._denied(request, "void", reason, verdict.via, turn)
                return Refusal("void", reason, decision.rule, "Look at the file again and ask anew.")
            if refused := await self._granted(plan, subject, verdict, turn, request, policy):
                return refused
            if verdict.scope != "once" and verdict.rule is not None:
                await self._judge.learn(verdict.rule, always=verdict.scope == "always")
            return plan, subject, profile

    async def _decide(self, plan: Plan, turn: int) -> tuple[Decision, Subject, Profile, str] | Refusal:
        """The decision, and the digest of the rules that it was made by: others may be in force a moment later."""
        decision, policy = self._judge.decide(plan.call), self._judge.sha256
        if not self._contained:
            decision = uncontained(decision, plan.call)
        profile = self._profiles(plan, decision)
        names = named_programs(decision.explanation)
        subject = await subject_of(plan, decision.code_files, profile.environment, self._programs, names)
        await self._bus.record(
            PolicyDecided(
                decision=decision.mode,
                rule=decision.rule,
                reason=self._redact(decision.reason),
                subject_sha256=subject.sha256 if isinstance(subject, Subject) else plan.call.digest,
                policy_sha256=policy,
                checks=tuple(
                    CheckRecord(name=c.name, result=c.result, detail=self._redact(c.detail))
                    for c in decision.checks
                ),
                explanation=_short(decision.explanation),
            ),
            turn=turn,
            call=plan.call.id,
            actor=_POLICY,
            severity=_SEVERITY[decision.mode],
            outcome="failure" if decision.mode == "deny" else "success",
            # An approval, asked for or typed, is on disk before anything is done.
            follows=decision.mode == "prompt" and isinstance(subject, Subject),
        )
        if decision.mode == "deny":
            return Refusal("denied", decision.reason, decision.rule, "This is final: do something else.")
        if isinstance(subject, Refusal):
            return subject
        return decision, subject, profile, policy

    def _request(self, plan: Plan, decision: Decision, subject: Subject, profile: Profile) -> ApprovalRequest:
        text = shown(plan, subject, self._root)
        return ApprovalRequest(
            call=plan.call,
            decision=decision,
            shown=text,
            shown_sha256=sha256_of(text),
            subject_sha256=subject.sha256,
            sandbox=allowances(profile, plan, self._root) if self._contained else (NO_SANDBOX,),
            requested_ns=self._clock.monotonic_ns(),
            scopes=decision.scopes,
            changes=plan.changes,
            expires_s=self._expire_seconds,
        )

    async def _ask(self, request: ApprovalRequest, turn: int, asked: asyncio.Event) -> Verdict:
        """The human's answer; whatever goes wrong on the way to it counts as no answer, and is recorded as such."""
        await self._bus.record(
            ApprovalRequested(
                subject_sha256=request.subject_sha256,
                shown=self._redact(request.shown),
                shown_sha256=request.shown_sha256,
                risk=request.decision.risk,
                reason=self._redact(request.decision.reason),
                options=tuple(scope.name for scope in request.scopes),
                expires_s=request.expires_s,
            ),
            turn=turn,
            call=request.call.id,
        )
        asking = asyncio.ensure_future(self._approver.ask(request))
        asked.set()
        try:
            done, _ = await asyncio.wait({asking}, timeout=request.expires_s)
        except asyncio.CancelledError:
            asking.cancel()
            await self._denied(request, "denied", "The turn was interrupted.", "interrupt", turn)
            raise
        if not done:
            asking.cancel()
            verdict = Verdict("expired", reason=f"Nobody answered within {request.expires_s:.0f} s.")
        elif asking.cancelled() or asking.exception() is not None:
            verdict = Verdict("unattended", reason="The place where the human answers failed, so nobody answered.")
        else:
            verdict = asking.result()
        if verdict.outcome == "granted" and verdict.shown_sha256 != request.shown_sha256:
            reason = "The answer was given to something else than what was asked."
            await self._denied(request, "void", reason, verdict.via, turn)
            return Verdict("denied", reason=reason, via=verdict.via)
        if verdict.outcome != "granted":
            await self._denied(request, verdict.outcome, verdict.reason, verdict.via, turn)
        return verdict

    async def _granted(
        self,
        plan: Plan,
        subject: Subject,
        verdict: Verdict,
        turn: int,
        request: ApprovalRequest,
        policy: str,
    ) -> Refusal | None:
        """Record the approval, signed. A refusal when the signature that this risk asks for could not be had."""
        if verdict.rule is not None:
            # What is signed is kept as it is: a secret in the rule has to go before.
            verdict = replace(verdict, rule=replace(verdict.rule, text=self._redact(verdict.rule.text)))
        try:
            statement, signature = await self._sign(request, verdict, policy)
        except DeniedError as error:
            await self._denied(request, "void", str(error), verdict.via, turn)
            return Refusal("denied", str(error), request.decision.rule)
        waited = (self._clock.monotonic_ns() - request.requested_ns) // 1_000_000
        await self._bus.record(
            ApprovalGranted(
                subject_sha256=subject.sha256,
                shown_sha256=request.shown_sha256,
                scope=verdict.scope,
                rule=verdict.rule.text if verdict.rule and verdict.scope != "once" else "",
                statement=statement,
                signature=signature,
                via=verdict.via,
                wait_ms=0 if verdict.via == "typed" else waited,
            ),
            turn=turn,
            call=plan.call.id,
            actor=self._human(signed=bool(signature)),
        )
        return None

    async def _denied(self, request: ApprovalRequest, outcome: str, reason: str, via: str, turn: int) -> None:
        await self._bus.record(
            ApprovalDenied.model_validate(
                {
                    "outcome": outcome,
                    "subject_sha256": request.subject_sha256,
                    "reason": self._redact(reason),
                    "via": via,
                    "wait_ms": (self._clock.monotonic_ns() - request.requested_ns) // 1_000_000,
                }
            ),
            turn=turn,
            call=request.call.id,
            actor=self._human() if outcome == "denied" else Actor(kind="system", id="vtcode"),
            outcome="failure",
        )

    @staticmethod
    def _refusal(verdict: Verdict, decision: Decision) -> Refusal:
        match verdict.outcome:
            case "denied":
                said = f" They said: {verdict.reason}" if verdict.reason else ""
                return Refusal("denied", f"The human declined this.{said}", decision.rule)
            case "expired":
                return Refusal("expired", f"Nobody answered in time. {verdict.reason}".strip(), decision.rule)
            case _:
                return Refusal(
                    "unattended",
                    f"This needs a human's approval and nobody is there to give it: {decision.reason}",
                    decision.rule,
                    "Do it another way, or say what would have to be approved.",
                )


def _short(explanation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The policy's explanation, unless it is too long for a line of the journal."""
    if explanation is None or len(json.dumps(explanation, default=str)) > _LONGEST_EXPLANATION:
        return None
    return dict(explanation)


def described(grant: Grant) -> tuple[str, ...]:
    """The words of a grant's work, for the record."""
    work = grant.work
    if isinstance(work, Execute):
        return work.argv
    return (f"{work.module}:{work.function}",)
