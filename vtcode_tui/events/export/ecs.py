"""Elastic Common Schema 9.4: the native line in `event.original`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vtcode_tui.events import types as t
from vtcode_tui.events.export.form import SEVERITIES, Scene, compact, lean
from vtcode_tui.events.timeline import what
from vtcode_tui.events.types import Event

VERSION = "9.4.0"

_KINDS: dict[str, tuple[str, str]] = {
    "session.started": ("session", "start"),
    "session.resumed": ("session", "start"),
    "session.ended": ("session", "end"),
    "model.requested": ("web", "access"),
    "model.responded": ("web", "info"),
    "model.partial": ("web", "info"),
    "model.failed": ("web", "error"),
    "model.failover": ("web", "error"),
    "tool.requested": ("process", "info"),
    "tool.finished": ("process", "info"),
    "policy.decided": ("iam", "info"),
    "approval.requested": ("iam", "info"),
    "approval.granted": ("iam", "admin"),
    "approval.denied": ("iam", "admin"),
    "sandbox.applied": ("process", "change"),
    "exec.started": ("process", "start"),
    "exec.output": ("process", "info"),
    "exec.finished": ("process", "end"),
    "file.changed": ("file", "change"),
    "changes.reviewed": ("file", "info"),
    "changes.failed": ("file", "info"),
    "network.blocked": ("network", "denied"),
    "network.allowed": ("network", "allowed"),
    "violation.detected": ("intrusion_detection", "denied"),
    "config.changed": ("configuration", "change"),
    "log.checkpoint": ("configuration", "info"),
    "log.recovered": ("configuration", "info"),
    "log.failed": ("configuration", "info"),
}
_FILE_TYPES = {"create": "creation", "delete": "deletion"}


def _file(d: t.FileChanged) -> dict[str, Any]:
    name = d.path.rsplit("/", 1)[-1]
    extension = name.rpartition(".")[2] if "." in name[1:] else ""
    mode = f"{d.mode & 0o7777:04o}" if d.mode is not None else ""
    file = {"path": d.path, "name": name, "extension": extension, "mode": mode, "hash": {"sha256": d.after_sha256}}
    return {"file": file}


def _started(d: t.ExecStarted) -> dict[str, Any]:
    process = {
        "args": list(d.argv),
        "args_count": len(d.argv),
        "command_line": " ".join(d.argv),
        "executable": d.executable,
        "name": d.executable.rsplit("/", 1)[-1],
        "working_directory": d.cwd,
        "pid": d.pid or None,
        "hash": {"sha256": d.executable_sha256},
        "interactive": d.terminal,
    }
    return {"process": process}


def _finished(d: t.ExecFinished) -> dict[str, Any]:
    return {
        "process": {"pid": d.pid or None, "exit_code": d.exit_code},
        "event": {"duration": d.duration_ms * 1_000_000},
    }


def _violation(d: t.ViolationDetected) -> dict[str, Any]:
    threat = {"framework": d.technique_framework, "technique": {"id": [d.technique], "name": [d.technique_name]}}
    return {"threat": threat if d.technique else {}, "rule": {"name": d.kind, "category": d.layer}}


def _responded(d: t.ModelResponded) -> dict[str, Any]:
    usage = {"input_tokens": d.input_tokens, "output_tokens": d.output_tokens}
    response = {"id": d.response_id, "model": d.model}
    ai = {"system": d.provider, "operation": {"name": "chat"}, "response": response, "usage": usage}
    # ECS gives `gen_ai.response.finish_reasons` a type for objects, so that Elasticsearch would refuse the words.
    return {"gen_ai": ai, "event": {"duration": d.duration_ms * 1_000_000}, "labels": {"finish_reason": d.finish}}


_OWN: dict[type[t.Payload], Callable[[Any], dict[str, Any]]] = {
    t.ExecStarted: _started,
    t.ExecFinished: _finished,
    t.FileChanged: _file,
    t.ViolationDetected: _violation,
    t.ModelResponded: _responded,
    t.ModelRequested: lambda d: {
        "gen_ai": {"system": d.provider, "operation": {"name": "chat"}, "request": {"model": d.model}},
        "url": {"full": d.endpoint},
    },
    t.ToolRequested: lambda d: {"gen_ai": {"tool": {"name": d.tool}, "operation": {"name": "execute_tool"}}},
    t.PolicyDecided: lambda d: {"rule": {"name": d.rule, "description": d.reason, "ruleset": d.policy_sha256}},
    t.NetworkBlocked: lambda d: {
        "destination": {"domain": d.host, "port": d.port or None, "ip": d.address},
        "network": {"protocol": d.protocol.lower()},
    },
    t.NetworkAllowed: lambda d: {
        "destination": {"domain": d.host, "port": d.port or None, "ip": d.address},
        "network": {"protocol": d.protocol.lower()},
    },
    t.ModelFailed: lambda d: {"error": {"type": d.kind, "message": d.message}},
}


class Ecs:
    """One document per event."""

    def __init__(self) -> None:
        self._scene = Scene()

    def feed(self, event: Event, raw: bytes) -> Iterable[str]:
        """The document as one line of JSON."""
        self._scene.see(event)
        category, kind = _KINDS.get(event.type, ("session", "info"))
        if isinstance(event.data, t.FileChanged):
            kind = _FILE_TYPES.get(event.data.op, kind)
        own = _OWN[type(event.data)](event.data) if type(event.data) in _OWN else {}
        document = {
            "@timestamp": event.time,
            "ecs": {"version": VERSION},
            "message": what(event),
            "event": {
                "id": event.id,
                "kind": "alert" if event.type == "violation.detected" else "event",
                "category": [category],
                "type": [kind],
                "action": event.type,
                "outcome": event.outcome,
                "severity": SEVERITIES.index(event.severity) + 1,
                "sequence": event.seq,
                "dataset": "vtcode.audit",
                "module": "vtcode",
                "provider": "vtcode",
                "original": raw.decode(),
                **own.pop("event", {}),
            },
            "host": {"name": self._scene.device, "hostname": self._scene.device},
            "user": {"name": self._scene.user, "id": str(self._scene.uid)},
            "labels": {
                "session": event.session,
                "call": event.call,
                "actor": f"{event.actor.kind}:{event.actor.id}",
                "turn": str(event.turn),
                **own.pop("labels", {}),
            },
            **own,
        }
        if event.call:
            tool = document.setdefault("gen_ai", {})
            tool.setdefault("tool", {}).setdefault("call", {})["id"] = event.call
        return (compact(lean(document)),)

    def finish(self) -> Iterable[str]:
        """Nothing."""
        return ()
