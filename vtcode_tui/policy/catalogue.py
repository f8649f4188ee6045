"""Finds and reads the description of a program: `programs/*.toml`, each read when it is first asked for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast, get_args

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.policy.description import COMMAND_ROLES, ROLES, Case, Description, Option, Slot, Style
from vtcode_tui.policy.finding import Effect
from vtcode_tui.policy.types import Mode

FOLDER = Path(__file__).parent / "programs"
_MODES = get_args(Mode)
_KEYS = frozenset(
    [
        "summary",
        "sources",
        "verdict",
        "why",
        "effect",
        "style",
        "options",
        "arguments",
        "sub",
        "use",
        "cases",
        "environment",
        "unsure",
        "bundle",
        "stdin",
        "contained",
        "local",
        "appends",
        "versions",
        "lists",
        "filters",
        "keys",
    ]
)
_SLOT_KEYS = frozenset(["role", "verdict", "why", "only", "never", "when", "unless", "name"])
_TOP = frozenset({"names", "sets", "examples", "program"})


@lru_cache(maxsize=1)
def index() -> Mapping[str, str]:
    """Program name -> file name, from the first line of every file."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        with path.open(encoding="utf-8") as file:
            head = file.readline()
            while "]" not in head:
                more = file.readline()
                if not more:
                    raise ConfigError("the file must begin with `names = [...]`", file=str(path), line=1)
                head += more
        for name in tomllib.loads(head)["names"]:
            if name in found:
                raise ConfigError(f"{name} is described in {found[name]} too", file=str(path), line=1)
            found[name] = path.name
    return found


@lru_cache(maxsize=4096)
def describe(name: str) -> Description | None:
    """The description of a program by its base name, or None."""
    file = index().get(name)
    if file is None:
        stem = name.rstrip("0123456789.")
        # python3.12, gcc-13, clang-format-17: a version does not make another program.
        file = index().get(stem) or index().get(stem.rstrip("-"))
        if file is None or stem == name:
            return None
        name = stem if stem in index() else stem.rstrip("-")
        found = _one(file, name)
        return found if found.versions else None
    return _one(file, name)


def contents(file: str) -> tuple[Mapping[str, Description], Mapping[str, Any]]:
    """Every description of a file, and its examples."""
    table = _table(file)
    return {name: _one(file, name) for name in _bodies(file)[1]}, table.get("examples", {})


def _table(file: str) -> dict[str, Any]:
    path = FOLDER / file
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}", file=str(path)) from None


@lru_cache(maxsize=512)
def _bodies(file: str) -> tuple[_Reader, Mapping[str, Mapping[str, Any]], Mapping[str, Any]]:
    """The tables of every program of a file, and what they share."""
    table = _table(file)
    shared = {k: v for k, v in table.items() if k not in _TOP}
    bodies: dict[str, Mapping[str, Any]] = {}
    for names, body in table.get("program", {}).items():
        for name in names.split():
            # Several tables about one program add up; the later one wins.
            bodies[name] = _merged(bodies.get(name, {}), body)
    for name in table["names"]:
        bodies.setdefault(name, {})
    return _Reader(file, table.get("sets", {})), bodies, shared


@lru_cache(maxsize=4096)
def _one(file: str, name: str) -> Description:
    reader, bodies, shared = _bodies(file)
    return reader.description(name, bodies[name], shared)


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    tables = {k: {**one[k], **other[k]} for k in ("options", "environment", "sub") if k in one and k in other}
    return {**one, **other, **tables}


class _Reader:
    """Turns the tables of one file into descriptions; every mistake names the file and the key."""

    def __init__(self, file: str, sets: Mapping[str, Any]) -> None:
        self.file = file
        self.sets = sets

    def wrong(self, message: str) -> ConfigError:
        """A mistake in this file."""
        return ConfigError(message, file=f"programs/{self.file}")

    def description(self, name: str, body: Mapping[str, Any] | str, shared: Mapping[str, Any]) -> Description:
        """One program or sub-command; a string is a verdict for any arguments."""
        if isinstance(body, str):
            mode, why = self._verdict(body)
            effect: Effect = "read" if mode == "allow" else "network" if "network" in why else "write"
            anything = Slot("any", repeats=True)
            return Description(name, self.file, mode, why, effect, "plain", arguments=(anything,))
        if unknown := sorted(body.keys() - _KEYS):
            raise self.wrong(f"{name}: unknown key {unknown[0]}")
        common = {k: v for k, v in shared.items() if k not in {"summary", "sources"}}
        tables: dict[str, Any] = {
            k: {**common[k], **body.get(k, {})} for k in ("options", "environment") if k in common
        }
        body = {**common, **body, **tables}
        mode, why = self._verdict(f"{body.get('verdict', 'allow')}: {body.get('why', '')}")
        options: dict[str, Option] = {}
        for source in (*(self._set(n) for n in body.get("use", ())), body.get("options", {})):
            for names, value in source.items():
                option = self._option(names, value)
                options.update(dict.fromkeys(option.names, option))
        subs: dict[str, Description] = {}
        for names, value in body.get("sub", {}).items():
            sub = self.description(names.split()[0], value, {})
            subs.update(dict.fromkeys(names.split(), sub))
        style = body.get("style", "gnu")
        stdin = body.get("stdin", "")
        stdin = {"kind": stdin} if isinstance(stdin, str) else stdin
        if stdin["kind"] not in {"", "shell", "code"}:
            raise self.wrong(f"{name}: stdin is shell or code")
        if style not in get_args(Style):
            raise self.wrong(f"{name}: style must be one of {', '.join(get_args(Style))}")
        slots = tuple(self._slot(s) for s in body.get("arguments", ()))
        return Description(
            name=name,
            file=self.file,
            verdict=mode,
            why=why,
            effect=self._effect(body.get("effect", "read")),
            style=style,
            options=options,
            arguments=slots,
            stops=style == "posix" or bool(subs) or any(s.role in COMMAND_ROLES for s in slots),
            subs=subs,
            cases=tuple(self._case(c) for c in body.get("cases", ())),
            environment={
                n: self._slot(v) for names, v in body.get("environment", {}).items() for n in names.split()
            },
            unsure=bool(body.get("unsure", False)),
            bundle=self._bundle(body.get("bundle", False), options),
            stdin=stdin["kind"],
            stdin_unless=frozenset(stdin.get("unless", "").split()),
            stdin_arguments=int(stdin.get("arguments", 1)),
            versions=bool(body.get("versions", False)),
            contained=bool(body.get("contained", False)),
            local=bool(body.get("local", False)),
            appends=bool(body.get("appends", False)),
            lists=self._case({"verdict": "allow", **body["lists"]}) if "lists" in body else None,
            filters=self._case({"verdict": "allow", **body["filters"]}) if "filters" in body else None,
            keys=body.get("keys", ""),
        )

    def _bundle(self, given: bool | str, options: Mapping[str, Option]) -> frozenset[str]:
        """The letters that may stand without a dash: all options of one letter, or those that are listed."""
        if isinstance(given, str):
            if unknown := sorted(letter for letter in given if f"-{letter}" not in options):
                raise self.wrong(f"bundle: the option -{unknown[0]} is not described")
            return frozenset(given)
        return frozenset(name[1] for name in options if given and len(name) == 2 and name[0] == "-")

    def _set(self, name: str) -> Mapping[str, Any]:
        if name not in self.sets:
            raise self.wrong(f"no set is called {name}")
        found: Mapping[str, Any] = self.sets[name]
        return found

    def _verdict(self, text: str) -> tuple[Mode, str]:
        mode, _, why = text.partition(":")
        if mode.strip() not in _MODES:
            raise self.wrong(f"a verdict is allow, prompt or deny, not {mode.strip()}")
        return cast(Mode, mode.strip()), why.strip()

    def _effect(self, text: str) -> Effect:
        if text not in get_args(Effect):
            raise self.wrong(f"an effect is one of {', '.join(get_args(Effect))}, not {text}")
        return cast(Effect, text)

    def _case(self, body: Mapping[str, Any]) -> Case:
        mode, why = self._verdict(f"{body['verdict']}: {body.get('why', '')}")
        return Case(
            frozenset(body.get("when", "").split()),
            frozenset(body.get("unless", "").split()),
            mode,
            why,
            self._effect(body["effect"]) if "effect" in body else None,
        )

    def _slot(self, body: Mapping[str, Any] | str) -> Slot:
        if isinstance(body, str):
            body = {"role": body}
        if unknown := sorted(body.keys() - _SLOT_KEYS):
            raise self.wrong(f"unknown key {unknown[0]} in an argument")
        role: str = body["role"]
        verdict = body.get("verdict", "allow")
        why = body.get("why", "")
        if role.partition(":")[0] in _MODES:
            verdict, why = self._verdict(role)
            role = "any"
        repeats = role.endswith("...")
        role = role.removesuffix("...")
        optional = role.endswith("?")
        role = role.removesuffix("?")
        if role not in ROLES:
            raise self.wrong(f"no role is called {role}")
        mode, _ = self._verdict(verdict)
        return Slot(
            role, mode, why, tuple(body.get("only", "").split()), tuple(body.get("never", "").split()),
            repeats, optional, frozenset(body.get("when", "").split()), frozenset(body.get("unless", "").split()),
            body.get("name", ""),
        )  # fmt: skip

    def _option(self, names: str, body: Mapping[str, Any] | str) -> Option:
        listed = tuple(names.split())
        if isinstance(body, str):
            if body.partition(":")[0] in _MODES:
                mode, why = self._verdict(body)
                return Option(listed, (), mode, why)
            body = {"role": body}
        verdict, why = body.get("verdict", "allow"), body.get("why", "")
        effect = self._effect(body["effect"]) if "effect" in body else None
        body = {k: v for k, v in body.items() if k != "effect"}
        role: str = body["role"]
        mode, _ = self._verdict(verdict)
        if role in {"flag", "harmless"}:
            return Option(listed, (), mode, why, role == "harmless", effect=effect)
        parts = role.split() if role.partition(":")[0] not in _MODES else [role]
        slots = tuple(self._slot({**body, "role": part.removesuffix("?")}) for part in parts)
        return Option(listed, slots, mode, why, False, len(parts) == 1 and role.endswith("?"), effect)
