"""A secret that vtcode knows is in no file of the session, in no export and in no request, whatever says it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.agent.stage import staged
from vtcode_tui.agent.cleaning import without_secrets
from vtcode_tui.demo import Step
from vtcode_tui.events.export import converter
from vtcode_tui.events.export.form import export
from vtcode_tui.events.live import OutputChunk
from vtcode_tui.llm.messages import Message, Text, Thinking, ToolUse

pytestmark = pytest.mark.kernel

SECRET = "tr0ub4dor&3/=correct+horse"
SPELLINGS = (
    SECRET,
    quote(SECRET, safe=""),
    base64.b64encode(SECRET.encode()).decode(),
    json.dumps({"k": SECRET + '"'})[7:-3],
)
FORMATS = ("jsonl", "ocsf", "ecs", "otlp", "rfc5424", "cef", "hec", "atif")


async def test_a_known_secret_reaches_neither_disk_nor_export_nor_model_in_any_spelling(tmp_path: Path) -> None:
    steps = [
        Step("", (("run_command", {"command": "cat notes"}), ("read_file", {"path": "notes"}))),
        Step("", (("run_command", {"command": "cat notes", "terminal": True}),)),
        Step(f"It says {SECRET}."),
    ]
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "DEPLOY_TOKEN": SECRET}
    notes = "".join(f"this is {spelling} here\n" for spelling in SPELLINGS)
    async with staged(tmp_path, steps, files={"notes": notes}, environ=environ) as stage:
        await stage.session.submit(f"my token is {SECRET}, look at notes")
        assert any(SECRET.encode() in it.data for it in stage.heard if isinstance(it, OutputChunk)), (
            "it was printed"
        )
        folder, sent = stage.session.folder, [json.dumps(body) for body in stage.model.requests]
    kept = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"journal.jsonl", "session.md", "pty", "spool"} <= {path.parts[0] for path in kept}
    assert any(b"redacted:" in content for content in kept.values())
    said = [*kept.values(), *(one.encode() for one in sent)]
    said += ["\n".join(export(folder, converter(name))).encode() for name in FORMATS]
    for spelling in SPELLINGS:
        assert not [content[:200] for content in said if spelling.encode() in content]


def test_signed_reasoning_goes_back_to_its_author_as_it_was_and_to_the_disk_without_the_secret() -> None:
    def redact(text: str) -> str:
        return text.replace(SECRET, "‹redacted›")

    parts = (
        Thinking(f"use {SECRET}", "signed", "p", "m"),
        Thinking("nothing in it", "signed too", "p", "m"),
        ToolUse("c1", "run_command", json.dumps({"command": f"login {SECRET}"})),
    )
    said = Message("assistant", parts)
    assert without_secrets(said, redact, exact=True).parts[:2] == parts[:2]
    kept = without_secrets(said, redact, exact=False)
    assert SECRET not in str(kept)
    assert kept.parts[0] == Thinking("use ‹redacted›", "", "p", "m")
    assert kept.parts[1] == parts[1]
    asked = kept.parts[2]
    assert isinstance(asked, ToolUse)
    assert json.loads(asked.arguments) == {"command": "login ‹redacted›"}
    person = Message("user", (Text(SECRET),))
    assert without_secrets(person, redact, exact=False) is person
