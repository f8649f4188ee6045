"""Journals in the forms that other people's software takes; every form is a reader of events."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from vtcode_tui.events.export.form import Converter

FORMATS: dict[str, tuple[str, str]] = {
    "jsonl": ("form", "Native"),
    "ocsf": ("ocsf", "Ocsf"),
    "ecs": ("ecs", "Ecs"),
    "otlp": ("otlp", "Otlp"),
    "rfc5424": ("syslog", "Rfc5424"),
    "cef": ("syslog", "Cef"),
    "hec": ("form", "Hec"),
    "atif": ("atif", "Atif"),
}
"""Every format: the module and the class that writes it."""


def converter(name: str) -> Converter:
    """A fresh converter for one session."""
    module, made_by = FORMATS[name]
    make = getattr(importlib.import_module(f"vtcode_tui.events.export.{module}"), made_by)
    return cast("Callable[[], Converter]", make)()
