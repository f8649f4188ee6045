"""What a run's supervisor reported at its end, as the run's outcome."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vtcode_tui.sandbox import explain
from vtcode_tui.sandbox.run import Denial, Outcome


def outcome_of(report: Mapping[str, Any], answer: bytes, reason: str) -> Outcome:
    """The outcome; `answer`: what an `Invoke` returned, `reason`: why we killed the run, if we did."""
    exit_status = report.get("exit")
    refused = (explain.denial(row) for row in report.get("denials", ()))
    denials = tuple(
        denial if explain.worth_telling(denial, exit_status) else replace(denial, audience="journal")
        for denial in refused
    )
    denials += tuple(
        Denial("protected", str(row["path"]), "guard", explain.undone(str(row["what"])))
        for row in report.get("protected", ())
    )
    if report.get("cut"):
        denials += (
            Denial("syscall", f"{report['cut']} more refusals and findings, too many to list", "supervisor"),
        )
    limit = str(report.get("limit") or "")
    killed = str(report.get("killed") or "")
    if exit_status in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ):
        limit = "file_size"
        killed = killed or "limit: a file grew larger than a run may make one"
    if limit:
        killed = killed or f"limit: {limit}"
        denials += (Denial("limit", killed, "limit", explain.remedy("limit", limit)),)
    setup_error = str(report.get("setup_error") or "")
    if setup_error and report.get("step"):
        setup_error = f"{report['step']}: {setup_error}"
    result: Mapping[str, Any] | None = None
    if answer:
        try:
            decoded = json.loads(answer)
        except (ValueError, RecursionError):
            decoded = None
        result = decoded if isinstance(decoded, dict) else None
    return Outcome(
        exit_code=exit_status if exit_status is not None and exit_status >= 0 and not setup_error else None,
        signal=-exit_status if exit_status is not None and exit_status < 0 else None,
        setup_error=setup_error,
        result=result,
        limit=limit,
        killed=reason or killed if killed else "",
        survivors=int(report.get("survivors", 0)),
        duration_ms=int(report.get("wall_ms", 0)),
        cpu_ms=int(report.get("cpu_ms", 0)),
        max_rss_kb=int(report.get("max_rss_kb", 0)),
        denials=denials,
    )
