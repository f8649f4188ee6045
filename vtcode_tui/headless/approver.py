"""The approver of a session that nobody watches: it never grants anything."""

from __future__ import annotations

from vtcode_tui.gate.types import ApprovalRequest, Verdict


class Never:
    """Answers every question with `unattended`, which is neither a yes nor a human's no."""

    async def ask(self, request: ApprovalRequest) -> Verdict:
        """Nobody is there."""
        return Verdict("unattended", request.shown_sha256, reason="nobody watches this session", via="exec")
