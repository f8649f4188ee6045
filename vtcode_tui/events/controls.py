"""Which events are evidence for which controls: it supports an assessment and never states its result."""

from __future__ import annotations

CONTROLS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "SOC 2",
        "CC6.1, CC6.3",
        "logical access is restricted and authorised",
        ("policy.decided", "approval.", "sandbox.applied"),
    ),
    ("SOC 2", "CC6.8", "unauthorised software is prevented or detected", ("exec.started", "violation.detected")),
    ("SOC 2", "CC7.2, CC7.3", "anomalies are monitored and evaluated", ("violation.detected", "network.blocked")),
    (
        "SOC 2",
        "CC8.1",
        "changes are authorised and tracked",
        ("file.changed", "changes.reviewed", "approval.granted"),
    ),
    ("ISO 27001:2022", "A.8.15", "logs are produced, kept and protected", ("log.checkpoint", "session.ended")),
    ("ISO 27001:2022", "A.8.16", "activities are monitored", ("violation.detected", "network.")),
    ("ISO 27001:2022", "A.8.18", "privileged utilities are restricted", ("policy.decided", "sandbox.applied")),
    ("ISO 27001:2022", "A.8.32", "changes are managed", ("file.changed", "changes.reviewed")),
    (
        "OWASP Agentic",
        "ASI01 goal hijack",
        "prompt, reasoning and action can be compared",
        ("prompt.submitted", "model.reasoning", "tool.requested"),
    ),
    ("OWASP Agentic", "ASI02 tool misuse", "every call is checked against rules", ("policy.decided",)),
    ("OWASP Agentic", "ASI03 identity and privilege abuse", "who approved is recorded", ("approval.granted",)),
    (
        "OWASP Agentic",
        "ASI05 unexpected code execution",
        "code runs in a sandbox only",
        ("sandbox.applied", "exec.started"),
    ),
    ("OWASP Agentic", "ASI06 memory and context poisoning", "compaction is recorded", ("context.compacted",)),
    (
        "OWASP Agentic",
        "ASI09 human-agent trust",
        "what was shown is bound to what was approved",
        ("approval.requested", "approval.granted"),
    ),
    (
        "OWASP Agentic",
        "ASI10 rogue agents",
        "violations raise events, runs can be killed",
        ("violation.detected", "exec.finished"),
    ),
)
"""Framework, control, what it asks for, and the events that are evidence for it."""
