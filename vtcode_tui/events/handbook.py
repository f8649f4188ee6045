"""The reference part of docs/audit.md, written from the models: every event, field by field, with an example.

`python -m vtcode_tui.events.handbook docs/audit.md` renews the part between the marks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from vtcode_tui.events.examples import events
from vtcode_tui.events.field_notes import ENVELOPE, note
from vtcode_tui.events.lines import line_of
from vtcode_tui.events.types import PAYLOADS, Event, Payload

BEGIN, END = "<!-- events: begin -->", "<!-- events: end -->"


def handbook() -> str:
    """The reference as Markdown."""
    examples: dict[str, Event] = {event.type: event for event in events()}
    parts = [
        "### The envelope",
        _table([(name, "", text) for name, text in ENVELOPE.items()], ("field", "", "meaning")),
    ]
    parts.append(f"One whole line:\n\n```json\n{line_of(examples['prompt.submitted']).decode()}\n```")
    for name, model in PAYLOADS.items():
        data = json.dumps(json.loads(line_of(examples[name]))["data"], ensure_ascii=False, indent=2)
        marks = ["on disk before anything follows"] if model.DURABLE else []
        marks += [f"severity {model.SEVERITY}"] if model.SEVERITY != "info" else []
        aside = f" ({'; '.join(marks)})" if marks else ""
        parts.append(f"### `{name}`\n\n{_said(model)}{aside}")
        parts.append(_table(_fields(name, model), ("field", "type", "meaning")))
        parts.append(f"```json\n{data}\n```")
    return "\n\n".join(parts)


def _said(model: type[Payload]) -> str:
    return " ".join((model.__doc__ or "").split())


def _fields(name: str, model: type[Payload]) -> list[tuple[str, str, str]]:
    schema = model.model_json_schema()
    rows = []
    for field, shape in schema.get("properties", {}).items():
        optional = "" if field in schema.get("required", []) else ", optional"
        rows.append((f"`{field}`", f"{_kind(shape)}{optional}", note(name, field)))
    return rows


def _kind(shape: dict[str, Any]) -> str:
    if "enum" in shape:
        return " or ".join(f"`{value}`" for value in shape["enum"])
    if "anyOf" in shape:
        return " or ".join(_kind(one) for one in shape["anyOf"])
    if shape.get("type") == "array":
        return f"list of {_kind(shape.get('items', {}))}"
    if "$ref" in shape:
        return "object"
    return {"string": "text", "integer": "number", "number": "number", "boolean": "true or false"}.get(
        str(shape.get("type", "")), str(shape.get("type", "object"))
    )


def _table(rows: list[tuple[str, str, str]], header: tuple[str, str, str]) -> str:
    lines = [f"| {' | '.join(header)} |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def renewed(text: str) -> str:
    """The document with the reference as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{handbook()}\n\n{END}{after}"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.write_text(renewed(place.read_text()))
