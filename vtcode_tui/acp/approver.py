"""The approver that asks the client's human. A deny of policy never comes here: there is nothing to ask then."""

from __future__ import annotations

import asyncio
from typing import Any

from vtcode_tui.acp.content import Nesting, kind_of, shown, title_of
from vtcode_tui.acp.rpc import Peer, RemoteError
from vtcode_tui.gate.types import ApprovalRequest, Verdict

_ONCE = {"optionId": "once", "name": "Allow once", "kind": "allow_once"}
_REJECT = {"optionId": "reject", "name": "Reject", "kind": "reject_once"}


class ClientApprover:
    """Asks through `session/request_permission`; anything but a clear yes is no."""

    def __init__(self, peer: Peer, nesting: Nesting) -> None:
        self._peer, self.nesting = peer, nesting
        self.session = ""
        """The id by which the client knows the session; set when the session is open."""

    async def ask(self, request: ApprovalRequest) -> Verdict:
        """Wait for the client's answer."""
        options = [_ONCE, _REJECT]
        narrowest = request.scopes[0] if request.scopes else None
        if narrowest is not None:
            # The protocol's "always" lasts for this session: an editor's button writes no rules into files.
            name = f"Allow for this session: {narrowest.text}"
            options = [_ONCE, {"optionId": "session", "name": name, "kind": "allow_always"}, _REJECT]
        params = {
            "sessionId": self.session,
            "toolCall": self.nesting.asked(request.call.id, _call(request)),
            "options": options,
        }
        try:
            async with asyncio.timeout(request.expires_s):
                answer = await self._peer.call("session/request_permission", params)
        except TimeoutError:
            return Verdict("expired", request.shown_sha256, reason="the client did not answer in time", via="acp")
        except RemoteError as error:
            return Verdict("unattended", request.shown_sha256, reason=str(error), via="acp")
        match answer:
            case {"outcome": {"outcome": "selected", "optionId": "once"}}:
                return Verdict("granted", request.shown_sha256, via="acp")
            case {"outcome": {"outcome": "selected", "optionId": "session"}} if narrowest is not None:
                return Verdict("granted", request.shown_sha256, scope="session", rule=narrowest, via="acp")
            case {"outcome": {"outcome": "cancelled"}}:
                return Verdict("denied", request.shown_sha256, reason="cancelled by the client", via="acp")
            case _:
                return Verdict("denied", request.shown_sha256, reason="rejected in the client", via="acp")


def _call(request: ApprovalRequest) -> dict[str, Any]:
    lines = [request.shown, "", f"Why you are asked: {request.decision.reason} (risk: {request.decision.risk})"]
    if request.sandbox:
        lines += ["The sandbox will allow:", *(f"  {line}" for line in request.sandbox)]
    return {
        "toolCallId": request.call.id,
        "title": title_of(request.call.tool, dict(request.call.arguments)),
        "kind": kind_of(request.call.tool),
        "status": "pending",
        "content": shown("\n".join(lines), request.changes),
    }
