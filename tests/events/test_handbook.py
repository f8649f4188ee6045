"""docs/audit.md says what the models say."""

from __future__ import annotations

from pathlib import Path

from vtcode_tui.events.field_notes import ENVELOPE, NOTES, note
from vtcode_tui.events.handbook import renewed
from vtcode_tui.events.types import PAYLOADS, Event


def test_the_documentation_is_in_step_with_the_models() -> None:
    text = Path("docs/audit.md").read_text()
    assert renewed(text) == text, "run python -m vtcode_tui.events.handbook docs/audit.md"


def test_every_field_has_a_note_and_every_note_a_field() -> None:
    fields = {(kind, field) for kind, model in PAYLOADS.items() for field in model.model_fields}
    assert [pair for pair in sorted(fields) if not note(*pair)] == []
    names = {field for _, field in fields} | {f"{kind}.{field}" for kind, field in fields}
    assert sorted(set(NOTES) - names) == []
    assert list(ENVELOPE) == list(Event.model_fields)
