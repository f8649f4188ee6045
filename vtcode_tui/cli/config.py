"""`vtcode config`: what is in force and where it comes from, what is wrong, and what there is to set."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

EXAMPLE = """  vtcode config show                 every value that is not the default, and where it comes from
  vtcode config show --all sandbox   all keys below [sandbox]
  vtcode config check                name what is wrong, with file and line; status 2 when something is
  vtcode config schema > vtcode.schema.json
  vtcode config path"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="the values in force, and where each comes from")
    show.add_argument("key", nargs="?", default="", help="only this key or table")
    show.add_argument("--all", action="store_true", help="defaults too")
    check = actions.add_parser("check", help="name what is wrong, with file and line")
    schema = actions.add_parser("schema", help="the JSON Schema, for editors")
    schema.add_argument(
        "file", nargs="?", default="vtcode.toml", choices=["vtcode.toml", "tool-policy.json"], help="of which file"
    )
    path = actions.add_parser("path", help="the files that are read")
    for action in (show, check, path):
        action.add_argument("--json", action="store_true", help="print JSON")
        action.add_argument(
            "--cwd", type=Path, default=None, metavar="DIR", help="the workspace (default: this folder)"
        )
    for action in (show, check):
        action.add_argument(
            "-c", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="as if set"
        )


def run(given: argparse.Namespace) -> int:
    """Run the chosen action."""
    match given.action:
        case "schema":
            return _schema(given.file)
        case "path":
            return _path(given)
        case "show":
            return _show(given)
        case _:
            return _check(given)


def _root(given: argparse.Namespace) -> Path:
    from vtcode_tui.common.errors import UsageError

    root = (given.cwd or Path.cwd()).resolve()
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder")
    return root


def _load(given: argparse.Namespace) -> Any:
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load, override

    return load(Home.from_environment(), _root(given), overrides=[override(text) for text in given.overrides])


def _show(given: argparse.Namespace) -> int:
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.config.keys import nearest

    loaded = _load(given)
    values = dict(_flat(loaded.settings.model_dump(mode="json")))
    key = given.key
    chosen = {k: v for k, v in values.items() if not key or k == key or k.startswith(f"{key}.")}
    if key and not chosen:
        near = nearest(key)
        raise UsageError(f"unknown key `{key}`" + (f": did you mean `{near}`?" if near else ""))
    if not given.all and not key:
        chosen = {k: v for k, v in chosen.items() if loaded.source(k).layer != "built-in"}
    rows = {k: (v, loaded.source(k)) for k, v in chosen.items()}
    if given.json:
        print(json.dumps(_as_json(loaded, rows), indent=2))
        return 0
    for k, (value, source) in rows.items():
        lock = " (locked)" if k in loaded.locked else ""
        print(f"{k} = {_toml(value)}  # {source}{lock}")
    if not rows:
        print("# every key has its default; `vtcode config show --all` lists them")
    for notice in loaded.notices:
        print(f"vtcode: {notice}", file=sys.stderr)
    return 0


def _as_json(loaded: Any, rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "values": {
            k: {
                "value": value,
                "layer": source.layer,
                "file": source.file,
                "line": source.line,
                "locked": k in loaded.locked,
            }
            for k, (value, source) in rows.items()
        },
        "files": [{"layer": f.layer, "path": str(f.path), "sha256": f.sha256} for f in loaded.files],
        "notices": list(loaded.notices),
        "sha256": loaded.sha256,
    }


def _check(given: argparse.Namespace) -> int:
    from vtcode_tui.common.errors import ConfigError

    try:
        loaded = _load(given)
    except ConfigError as error:
        if not given.json:
            raise
        wrong = {"message": str(error), "file": error.file, "line": error.line, "key": error.key}
        print(json.dumps({"ok": False, "error": wrong, "notices": []}, indent=2))
        return error.exit_status
    notices = [*loaded.notices, *_unused_looks(loaded)]
    if given.json:
        files = [str(f.path) for f in loaded.files]
        print(json.dumps({"ok": True, "files": files, "notices": notices}, indent=2))
        return 0
    for notice in notices:
        print(notice)
    names = ", ".join(str(f.path) for f in loaded.files) or "no file: every key has its default"
    print(f"ok: {names}")
    return 0


def _unused_looks(loaded: Any) -> list[str]:
    """What the screen would not take of theme and keys, one sentence each with its place."""
    if not any(key == "interface.theme" or key.startswith("interface.keys.") for key in loaded.provenance):
        return []  # textual is imported only for who chose some
    from vtcode_tui.common.home import Home
    from vtcode_tui.tui.own_keys import keymap
    from vtcode_tui.tui.own_themes import no_theme, own_themes

    made, wrong = own_themes(Home.from_environment().config / "themes")
    interface = loaded.settings.interface
    if unknown := no_theme(interface.theme, [theme.name for theme in made]):
        wrong.append(f"{loaded.source('interface.theme')}: {unknown}")
    return wrong + [f"{loaded.source('interface.keys')}: {text}" for text in keymap(interface.keys)[1]]


def _schema(file: str) -> int:
    if file == "vtcode.toml":
        from vtcode_tui.config.describe import schema

        print(json.dumps(schema(), indent=2))
        return 0
    from vtcode_tui.policy import policy_schema

    print(json.dumps(policy_schema(), indent=2))
    return 0


def _path(given: argparse.Namespace) -> int:
    from vtcode_tui.common.home import MANAGED_FOLDER, Home
    from vtcode_tui.config import WORKSPACE_FILE

    home = Home.from_environment()
    rows = {
        "user": home.settings_file,
        "managed": MANAGED_FOLDER / WORKSPACE_FILE,
        "workspace": _root(given) / WORKSPACE_FILE,
    }
    if given.json:
        print(json.dumps({k: {"path": str(p), "exists": p.is_file()} for k, p in rows.items()}, indent=2))
        return 0
    for name, path in rows.items():
        print(f"{name:<10} {path}{'' if path.is_file() else '  (absent)'}")
    return 0


def _flat(data: Any, prefix: str = "") -> Any:
    for name, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _toml(value: Any) -> str:
    match value:
        case None:
            return "(not set)"
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }" if value else "{}"
        case str():
            return json.dumps(value, ensure_ascii=True)
        case _:
            return str(value)
