"""A small validator for OCSF events against a checkout of the schema: unknown, missing, wrong type, wrong enum."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


class Schema:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.dictionary = json.loads((root / "dictionary.json").read_text())
        self.objects = {path.stem: json.loads(path.read_text()) for path in (root / "objects").glob("*.json")}
        self.events: dict[str, Any] = {}
        for path in (root / "events").rglob("*.json"):
            value = json.loads(path.read_text())
            self.events[value.get("name", path.stem)] = value
        self.categories = json.loads((root / "categories.json").read_text())["attributes"]

    def uid(self, event: dict[str, Any]) -> int:
        category = event.get("category")
        parent: dict[str, Any] | None = event
        while category is None and parent is not None:
            parent = self.events.get(parent.get("extends", ""))
            category = parent.get("category") if parent else "other"
        return int(self.categories.get(category, {}).get("uid", 0)) * 1000 + int(event.get("uid", 0))

    def _merge(self, into: dict[str, Any], more: dict[str, Any]) -> None:
        for name, value in more.items():
            if name == "$include":
                for included in [value] if isinstance(value, str) else value:
                    some = json.loads((self.root / included).read_text()).get("attributes", {})
                    if included.startswith("profiles/"):
                        some = {key: {**one, "profile": Path(included).stem} for key, one in some.items()}
                    self._merge(into, some)
            else:
                merged = {**into.get(name, {}), **value}
                merged["enum"] = {**into.get(name, {}).get("enum", {}), **value.get("enum", {})}
                into[name] = merged

    def attributes(self, kind: str, name: str) -> dict[str, Any]:
        table = self.events if kind == "event" else self.objects
        value = table.get(name)
        if value is None:
            return {}
        found: dict[str, Any] = {}
        parent = value.get("extends")
        if parent and parent != name:
            found |= self.attributes(kind, parent)
        elif kind == "event" and name != "base_event" and not parent:
            found |= self.attributes(kind, "base_event")
        self._merge(found, value.get("attributes", {}))
        return found

    @cache  # noqa: B019 - one schema per test run
    def class_of(self, uid: int) -> str:
        return next(name for name, event in self.events.items() if "uid" in event and self.uid(event) == uid)

    def problems(self, event: dict[str, Any]) -> list[str]:
        name = self.class_of(event["class_uid"])
        attributes = self.attributes("event", name)
        for profile in event["metadata"].get("profiles", []):
            self._merge(
                attributes, json.loads((self.root / "profiles" / f"{profile}.json").read_text())["attributes"]
            )
        declared = set(event["metadata"].get("profiles", []))
        return list(self._check(event, attributes, name, declared))

    def _check(self, value: dict[str, Any], attributes: dict[str, Any], where: str, profiles: set[str]) -> Any:
        for name, attribute in attributes.items():
            needs = attribute.get("profile")
            if (
                attribute.get("requirement") == "required"
                and name not in value
                and (not needs or needs in profiles)
            ):
                yield f"{where}.{name} is missing"
        for name, one in value.items():
            if name not in attributes:
                yield f"{where}.{name} is unknown"
                continue
            needs = attributes[name].get("profile")
            if needs and needs not in profiles:
                yield f"{where}.{name} needs the profile {needs}"
            meaning = {**self.dictionary["attributes"].get(name, {}), **attributes[name]}
            enum = {
                **self.dictionary["attributes"].get(name, {}).get("enum", {}),
                **attributes[name].get("enum", {}),
            }
            if meaning.get("is_array") != isinstance(one, list) and meaning.get("is_array") is not None:
                yield f"{where}.{name} is (not) an array"
            for item in one if isinstance(one, list) else [one]:
                yield from self._item(item, meaning, enum, f"{where}.{name}", profiles)

    def _item(
        self, item: Any, meaning: dict[str, Any], enum: dict[str, Any], where: str, profiles: set[str]
    ) -> Any:
        kind = meaning.get("type", "")
        if isinstance(item, dict):
            if kind in self.objects:
                yield from self._check(item, self.attributes("object", kind), f"{where}({kind})", profiles)
            elif kind not in {"object_t", "json_t"}:
                yield f"{where} is an object and should be {kind}"
        elif kind in self.objects:
            yield f"{where} should be an object {kind}"
        elif kind in {"integer_t", "long_t", "timestamp_t", "port_t"}:
            if not isinstance(item, int) or isinstance(item, bool):
                yield f"{where} should be a number"
            elif enum and str(item) not in enum and not where.endswith(("class_uid", "category_uid")):
                yield f"{where}={item} is not in the enumeration"
        elif kind == "boolean_t" and not isinstance(item, bool):
            yield f"{where} should be true or false"
        elif kind in {"string_t", "hostname_t", "ip_t", "file_name_t", "username_t"} and not isinstance(item, str):
            yield f"{where} should be text"
