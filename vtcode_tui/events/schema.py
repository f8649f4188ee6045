"""The events as JSON Schema: what `vtcode audit schema` prints."""

from __future__ import annotations

from typing import Any

from vtcode_tui.events.field_notes import ENVELOPE, note
from vtcode_tui.events.types import PAYLOADS, SCHEMA_VERSION, Event


def schema() -> dict[str, Any]:
    """One schema for any line of a journal: the envelope, with `data` decided by `type`."""
    envelope = Event.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = envelope.pop("$defs", {})
    definitions.pop("Payload", None)
    cases = []
    for name, model in sorted(PAYLOADS.items()):
        payload = model.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
        definitions |= payload.pop("$defs", {})
        for field, shape in payload.get("properties", {}).items():
            shape["description"] = note(name, field)
        definitions[model.__name__] = payload
        cases.append(
            {
                "if": {"properties": {"type": {"const": name}}},
                "then": {"properties": {"data": {"$ref": f"#/$defs/{model.__name__}"}}},
            }
        )
    envelope["properties"]["data"] = {"type": "object"}
    envelope["properties"]["type"] = {"enum": sorted(PAYLOADS)}
    for field, meaning in ENVELOPE.items():
        envelope["properties"][field]["description"] = meaning
    envelope["properties"]["prev"]["pattern"] = "^[0-9a-f]{64}$"
    envelope["required"] = list(envelope["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:vtcode:audit:{SCHEMA_VERSION}",
        "title": "An event of a vtcode journal",
        **{key: value for key, value in envelope.items() if key != "title"},
        "allOf": cases,
        "$defs": definitions,
    }
