"""OCSF 1.8.0 (https://schema.ocsf.io): a class for each type of event, the native line in `raw_data`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from vtcode_tui.events import types as t
from vtcode_tui.events.export.form import SEVERITIES, Scene, compact, lean, millis
from vtcode_tui.events.timeline import what
from vtcode_tui.events.types import Event

VERSION = "1.8.0"
LIFECYCLE, API, PROCESS, FILE, NETWORK = 6002, 6003, 1007, 1001, 4001
FINDING, AUTHORIZE, ERROR, LOG = 2004, 3003, 6008, 1008

Shape: TypeAlias = tuple[int, int, dict[str, Any]]
"""The class, the activity in it, and what belongs to it alone."""


def _file(path: str, digest: str = "") -> dict[str, Any]:
    name = path.rsplit("/", 1)[-1] or path
    hashes = [{"algorithm_id": 3, "algorithm": "SHA-256", "value": digest}] if digest else []
    return {"name": name, "path": path, "type_id": 1, "hashes": hashes}


def _api(operation: str, event: Event, **more: Any) -> Shape:
    return (
        API,
        99,
        {"activity_name": operation, "api": {"operation": operation, "request": {"uid": event.id}}, **more},
    )


def _model(provider: str, name: str) -> dict[str, Any]:
    return {"ai_provider": provider or "unknown", "name": name or "unknown"}


def _context(role: int) -> dict[str, Any]:
    """Whose words these are: 1 the user's, 2 the model's, 3 a tool's."""
    return {"ai_role_id": role, "service": {"name": "vtcode"}}


def _responded(event: Event, d: t.ModelResponded) -> Shape:
    context = _context(2) | {
        "uid": d.response_id,
        "prompt_tokens": d.input_tokens,
        "completion_tokens": d.output_tokens,
        "total_tokens": d.input_tokens + d.output_tokens,
    }
    return _api("messages.response", event, ai_model=_model(d.provider, d.model), message_context=context)


_VERDICTS = {"allow": (1, 1), "prompt": (3, 14), "deny": (2, 2)}


def _decided(event: Event, d: t.PolicyDecided) -> Shape:
    action, disposition = _VERDICTS[d.decision]
    return _api(
        "policy.decide",
        event,
        action_id=action,
        disposition_id=disposition,
        policy={"name": d.rule or "default", "uid": d.policy_sha256, "desc": d.reason},
        authorizations=[{"decision": f"{one.name}: {one.result}"} for one in d.checks],
    )


def _granted(event: Event, d: t.ApprovalGranted) -> Shape:
    user = {"name": event.actor.id, "type_id": 1}
    return AUTHORIZE, 1, {"user": user, "privileges": [d.scope], "action_id": 1, "disposition_id": 8}


def _denied(event: Event, d: t.ApprovalDenied) -> Shape:
    user = {"name": event.actor.id, "type_id": 1}
    return AUTHORIZE, 1, {"user": user, "privileges": [d.outcome], "action_id": 2, "disposition_id": 25}


def _sandbox(event: Event, d: t.SandboxApplied) -> Shape:
    process = {"name": "vtcode", "sandbox": f"{d.tier}:{d.profile}", "uid": event.call or event.id}
    return PROCESS, 99, {"activity_name": "sandbox.apply", "process": process, "action_id": 1, "disposition_id": 4}


def _started(event: Event, d: t.ExecStarted) -> Shape:
    process: dict[str, Any] = {
        "name": d.executable.rsplit("/", 1)[-1],
        "cmd_line": " ".join(d.argv),
        "file": _file(d.executable, d.executable_sha256),
        "working_directory": d.cwd,
        "pid": d.pid or None,
        "uid": event.call or event.id,
    }
    return PROCESS, 1, {"process": process, "launch_type_id": 1}


def _finished(event: Event, d: t.ExecFinished) -> Shape:
    process = {"name": "run", "pid": d.pid or None, "uid": event.call or event.id}
    return PROCESS, 2, {"process": process, "exit_code": d.exit_code, "duration": d.duration_ms}


_FILE_ACTIVITIES = {"create": 1, "update": 3, "delete": 4, "rename": 5, "mode": 7, "symlink": 1}


def _changed(event: Event, d: t.FileChanged) -> Shape:
    before = _file(d.renamed_from or d.path, d.before_sha256)
    return FILE, _FILE_ACTIVITIES[d.op], {"file": before, "file_result": _file(d.path, d.after_sha256)}


def _network(d: t.NetworkBlocked | t.NetworkAllowed, activity: int, action: int) -> Shape:
    endpoint = {"hostname": d.host, "ip": d.address, "port": d.port or None}
    return (
        NETWORK,
        activity,
        {
            "dst_endpoint": endpoint,
            "connection_info": {"direction_id": 2, "protocol_name": d.protocol},
            "action_id": action,
            "disposition_id": action,
        },
    )


def _violation(event: Event, d: t.ViolationDetected) -> Shape:
    technique = {"uid": d.technique, "name": d.technique_name}
    attack = {"technique": technique, "version": "17"} if d.technique else {}
    return (
        FINDING,
        1,
        {
            "finding_info": {"uid": event.id, "title": f"{d.kind} {d.action} by {d.layer}", "desc": d.detail},
            "attacks": [attack],
            "is_alert": True,
            "action_id": 2 if d.action != "reported" else 3,
            "disposition_id": 2 if d.action != "reported" else 15,
        },
    )


def _redacted(event: Event, d: t.SecretRedacted) -> Shape:
    title = f"{sum(d.rules.values())} secrets kept out of {d.where}"
    return FINDING, 1, {"finding_info": {"uid": event.id, "title": title, "types": list(d.rules)}}


_APP = {"name": "vtcode", "vendor_name": "vtcode"}


def _life(activity: int) -> Callable[[Event, Any], Shape]:
    return lambda event, d: (LIFECYCLE, activity, {"app": _APP})


_SHAPES: dict[type[t.Payload], Callable[[Event, Any], Shape]] = {
    t.SessionStarted: _life(3),
    t.SessionResumed: _life(5),
    t.SessionForked: _life(3),
    t.SessionEnded: _life(4),
    t.ConfigChanged: _life(8),
    t.SessionRewound: lambda e, d: _api("session.rewind", e),
    t.PromptSubmitted: lambda e, d: _api("prompt.submit", e, message_context=_context(1)),
    t.ModelRequested: lambda e, d: _api("messages.create", e, ai_model=_model(d.provider, d.model)),
    t.ModelReasoning: lambda e, d: _api("messages.reasoning", e, message_context=_context(2)),
    t.ModelResponded: _responded,
    t.ModelPartial: lambda e, d: _api(
        "messages.partial", e, ai_model=_model(d.provider, d.model), message_context=_context(2)
    ),
    t.ModelFailed: lambda e, d: (ERROR, 1, {"count": 1}),
    t.ModelFailover: lambda e, d: (ERROR, 1, {"count": d.attempts}),
    t.ToolRequested: lambda e, d: _api(f"tool.{d.tool}", e, message_context=_context(3)),
    t.ToolFinished: lambda e, d: _api(f"tool.{d.tool}.result", e, message_context=_context(3)),
    t.PolicyDecided: _decided,
    t.ApprovalRequested: lambda e, d: _api("approval.request", e, action_id=3, disposition_id=23),
    t.ApprovalGranted: _granted,
    t.ApprovalDenied: _denied,
    t.SandboxApplied: _sandbox,
    t.ExecStarted: _started,
    t.ExecFinished: _finished,
    t.FileChanged: _changed,
    t.ChangesReviewed: lambda e, d: _api(f"changes.{d.decision}", e),
    t.ChangesFailed: lambda e, d: _api(f"changes.{d.decision}.failed", e),
    t.NetworkBlocked: lambda e, d: _network(d, 5, 2),
    t.NetworkAllowed: lambda e, d: _network(d, 1, 1),
    t.ViolationDetected: _violation,
    t.ContextCompacted: lambda e, d: _api("context.compact", e),
    t.SecretRedacted: _redacted,
    t.Checkpoint: lambda e, d: (LOG, 3, {"log_name": "vtcode.audit"}),
    t.LogRecovered: lambda e, d: (LOG, 99, {"activity_name": "recover", "log_name": "vtcode.audit"}),
    t.LogFailed: lambda e, d: (LOG, 99, {"activity_name": "fail", "log_name": "vtcode.audit"}),
}


class Ocsf:
    """One OCSF event for each of ours; `exec.output` is noise to a SIEM and is left out."""

    def __init__(self) -> None:
        self._scene = Scene()

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """The event as one line of JSON."""
        self._scene.see(event)
        shape = _SHAPES.get(type(event.data))
        return () if shape is None else (compact(self._event(event, raw, shape(event, event.data))),)

    def _event(self, event: Event, raw: bytes, shape: Shape) -> dict[str, Any]:
        kind, activity, own = shape
        product = {"name": "vtcode", "vendor_name": "vtcode", "version": self._scene.version}
        profiles = ["host"]
        if own.keys() & {"action_id", "disposition_id", "attacks", "policy", "authorizations"} or kind == FINDING:
            profiles.append("security_control")
        if own.keys() & {"ai_model", "message_context"}:
            profiles.append("ai_operation")
        user = {"name": self._scene.user or "unknown", "uid": str(self._scene.uid), "type_id": 1}
        actor = {"user": user, "app_name": "vtcode", "session": {"uid": event.session}}
        device = {"hostname": self._scene.device, "type_id": 0}
        extra: dict[str, Any] = {"actor": actor, "device": device}
        if kind == API:
            extra["src_endpoint"] = {"hostname": self._scene.device}
        body = {
            "activity_id": activity,
            "category_uid": kind // 1000,
            "class_uid": kind,
            "type_uid": kind * 100 + activity,
            "time": millis(event),
            "severity_id": SEVERITIES.index(event.severity) + 1,
            "status_id": {"success": 1, "failure": 2}.get(event.outcome, 0),
            "message": what(event),
            "metadata": {
                "version": VERSION,
                "product": product,
                "uid": event.id,
                "sequence": event.seq,
                "correlation_uid": event.session,
                "event_code": event.type,
                "log_name": "vtcode.audit",
                "profiles": profiles,
            },
            **extra,
            **own,
            "raw_data": raw.decode(),
        }
        clean: dict[str, Any] = lean(body)
        return clean

    def finish(self) -> Iterable[str]:
        """Nothing."""
        return ()
