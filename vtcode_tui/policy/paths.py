"""The judgement of a path: what it leads to, and what is to be done with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from vtcode_tui.policy.finding import Finding
from vtcode_tui.policy.places import Places, named, places
from vtcode_tui.policy.resolve import inside, resolved
from vtcode_tui.policy.words import Shape, Word

if TYPE_CHECKING:
    import pathspec

    from vtcode_tui.policy.rules import PathRule
    from vtcode_tui.policy.situation import Situation

Use: TypeAlias = Literal["stat", "read", "write", "delete", "run"]
"""What is done with a path: its metadata, its content, a change, its removal, being executed."""

_VERB = {"stat": "looks at", "read": "reads", "write": "writes", "delete": "deletes", "run": "runs"}
_GLOBS = "*?["


@lru_cache(maxsize=64)
def _patterns(lines: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    import pathspec

    return pathspec.GitIgnoreSpec.from_lines(lines)


@lru_cache(maxsize=8192)
def matches(lines: tuple[str, ...], relative: str) -> bool:
    """Whether a path below the root is covered by gitignore-style patterns, whatever its case."""
    if not lines:
        return False
    found = _patterns(lines)
    relative = relative.encode("utf-8", "replace").decode()  # a name need not be text; patterns are
    folded = relative.casefold()
    return found.match_file(relative) or (folded != relative and found.match_file(folded))


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything a path's judgement depends on besides the path."""

    situation: Situation
    root: str
    places: Places
    rules: tuple[PathRule, ...] = ()
    read_patterns: tuple[str, ...] = ()
    write_patterns: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


_recent: list[Ground] = []


def ground_of(situation: Situation, rules: tuple[PathRule, ...] = ()) -> Ground:
    """The ground of one situation; the last one is kept, since a session asks with the same objects again."""
    for known in _recent:
        if known.situation is situation and known.rules is rules:
            return known
    made = _made(situation, rules)
    _recent[:] = [made]
    return made


def _made(situation: Situation, rules: tuple[PathRule, ...]) -> Ground:
    return Ground(
        situation,
        str(situation.root),
        places(str(situation.user_home)),
        rules,
        tuple(r.pattern for r in rules if r.read is not None),
        tuple(r.pattern for r in rules if r.write is not None),
        tuple(map(str, situation.own)),
    )


def judge_word(word: Word, use: Use, folders: tuple[str, ...] | None, ground: Ground) -> list[Finding]:
    """Every value that a word may have, judged as a path from every folder the command may run in."""
    findings: list[Finding] = []
    for shape in word.options:
        if shape.start == "-" and not shape.tail:
            continue
        if folders is None and not shape.start.startswith("/"):
            findings.append(Finding("path", "prompt", f"{word.text}: the folder it is relative to is not known"))
            continue
        for folder in folders or ("/",):
            findings.append(judge_shape(shape, word, use, folder, ground))
    if word.value is None and not word.shapes:
        findings.append(Finding("path", "prompt", f"{word.text}: {word.why}"))
    return findings


def judge_shape(shape: Shape, word: Word, use: Use, folder: str, ground: Ground) -> Finding:
    """One family of values."""
    match shape.tail:
        case "":
            return judge_path(shape.start, use, folder, ground)
        case "glob":
            return _judge_glob(shape, word, use, folder, ground)
        case _:
            known = ground.places
            reached = resolved(shape.start, folder, ground.root)
            if reached and use != "stat" and known.credentials.holds(reached):
                return Finding("credentials", "deny", f"{word.text} {_VERB[use]} credentials", firm=True)
            return Finding("unknown path", "prompt", f"{word.text}: {word.why or 'its value is not known'}")


def _judge_glob(shape: Shape, word: Word, use: Use, folder: str, ground: Ground) -> Finding:
    head, slash, rest = shape.start.rpartition("/")
    pattern = loosened(rest + shape.pattern)
    parts = pattern.split("/")
    reached = resolved(head + slash if slash else ".", folder, ground.root)
    if reached is None:
        return Finding("path", "prompt", f"{word.text} cannot be resolved")
    if any(part == ".." or (part.startswith((".", "?")) and fnmatchcase("..", part)) for part in parts):
        return Finding("glob", "prompt", f"{word.text} may match the parent folder")
    known = ground.places
    if use in {"read", "write", "delete"} and known.credentials.could_hold(reached, pattern):
        return Finding("credentials", "deny", f"{word.text} may match credentials", firm=True)
    inner = judge_path(head + slash if slash else ".", "read" if use == "delete" else use, folder, ground)
    if inner.verdict != "allow":
        return inner
    if use == "delete":
        if all(named(p, known.regenerable) for p in parts[-1:]):
            return Finding("path", "allow", f"{word.text}: rebuilt when needed")
        return Finding("deletes", "prompt", f"deletes {word.text}")
    if use in {"write", "run"}:
        if "/" in pattern or any(fnmatchcase(name, parts[0]) for name in (*known.own, ".git")):
            return Finding("glob", "prompt", f"{word.text} may match a protected file")
        if any(fnmatchcase(name, parts[0]) for name in _protected_names(ground.situation.protected)):
            return Finding("protected", "prompt", f"{word.text} may match a protected file")
    if use == "read" and any(_aims_at(part, ground) for part in parts):
        return Finding("masked", "prompt", f"{word.text} may match a file that holds a secret")
    return Finding("path", "allow", f"{word.text}: files of the workspace")


_DIGITS = "[0-9]"
_TELLING = 3
"""Letters in front of an extension by which a pattern tells which name it is meant for; a leading dot tells too."""
_BRACKETS = re.compile(r"\[[!^]?\]?(?:\[[:.=][^\]]*[:.=]\]|[^\]])*\]")


def loosened(pattern: str) -> str:
    """A shell's pattern as one of `*` and `?` that matches at least as much; its brackets are the shell's own."""
    if any(mark in pattern for mark in ("@(", "+(", "!(", "?(", "*(")):
        return pattern[: min(pattern.index(m) for m in ("@(", "+(", "!(", "?(", "*(") if m in pattern)] + "*"
    if pattern.startswith(_DIGITS):
        return _DIGITS + loosened(pattern[len(_DIGITS) :])
    return _BRACKETS.sub("?", pattern)


def names_secret(text: str, ground: Ground) -> bool:
    """Whether a path or a pattern, wherever it stands, is meant for files that hold secrets."""
    for part in text.split("/"):
        if set("*?[") & set(part):
            if _aims_at(loosened(part), ground):
                return True
        elif part and (named(part, ground.places.secrets) or matches(ground.situation.masked, part)):
            return True
    return False


def _aims_at(part: str, ground: Ground) -> bool:
    """Whether a pattern is meant for names that hold secrets, and does not merely cover them with the rest."""
    known = ground.places.secrets
    said = len(part.partition(".")[0].replace("*", "").replace("?", "")) + _TELLING * part.startswith(".")
    if part.startswith("*.") or said < _TELLING:
        return part in known
    names = (*known, *(p.strip("/").rsplit("/", 1)[-1] for p in ground.situation.masked if not p.startswith("!")))
    return any(fnmatchcase(name.replace("*", "x"), part) or fnmatchcase(part, name) for name in names)


@lru_cache(maxsize=64)
def _protected_names(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(p.strip("/").split("/")[0] for p in patterns if p and not p.startswith(("!", "#")))


def judge_path(path: str, use: Use, folder: str, ground: Ground) -> Finding:
    """One certain path."""
    reached = resolved(path, folder, ground.root)
    if reached is None:
        return Finding("path", "prompt", f"{path} cannot be resolved")
    for own in ground.own:
        if inside(reached, own) or (use == "delete" and inside(own, reached)):
            return Finding("own files", "deny", f"{path} is vtcode's own", firm=True)
    if path.startswith("/dev/") and _own_descriptor(path):
        return Finding("path", "allow", f"{path}: a stream of the command's own")
    written = _lexical(f"{folder}/{path}" if not path.startswith("/") else path)
    found = _judge_known(path, reached, use, ground)
    if found is None and written != reached:
        found = _judge_known(path, written, use, ground)
    if found is not None:
        return found
    root = ground.root
    if inside(reached, root):
        return _judge_inside(path, reached[len(root) :].lstrip("/"), use, ground)
    return _judge_outside(path, reached, use, ground)


def _own_descriptor(path: str) -> bool:
    return path in {"/dev/stdin", "/dev/stdout", "/dev/stderr"} or (
        path.startswith("/dev/fd/") and path[len("/dev/fd/") :].isdigit()
    )


def _lexical(path: str) -> str:
    """The path as written, `.` and `..` folded: /proc/self/root is known by this name only."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def _judge_known(path: str, reached: str, use: Use, ground: Ground) -> Finding | None:
    """Places that are judged the same wherever the workspace is."""
    known, root = ground.places, ground.root
    if inside(reached, root):
        return None
    if known.credentials.holds(reached):
        if use == "stat":
            return Finding("credentials", "prompt", f"{path} holds credentials")
        return Finding("credentials", "deny", f"{_VERB[use]} credentials: {path}", firm=True)
    if use in {"write", "delete"}:
        if known.sinks.holds(reached) and use == "write":
            return Finding("path", "allow", path)
        if use == "delete" and ((inside(root, reached) and reached != root) or _is_top(reached, ground)):
            return Finding("destroys", "deny", f"deletes {reached}, which is not the workspace's", firm=True)
        if reached == "/":
            return Finding("destroys", "deny", f"{_VERB[use]} the root folder", firm=True)
        if known.autorun.holds(reached):
            return Finding("autorun", "deny", f"{path} is run by the system or a shell by itself", firm=True)
        if known.vital.holds(reached) and not known.spared.holds(reached):
            return Finding("system", "deny", f"{_VERB[use]} the system: {path}", firm=True)
        if inside(root, reached) and reached != root:
            return Finding("outside", "prompt", f"{_VERB[use]} {path}, a folder above the workspace")
    return None


def _is_top(reached: str, ground: Ground) -> bool:
    home = str(ground.situation.user_home)
    return reached in {"/", "/home", "/Users", "/root", "/var", "/opt", "/srv", "/mnt", "/media", "/tmp", home}


def _judge_inside(path: str, relative: str, use: Use, ground: Ground) -> Finding:
    known, situation = ground.places, ground.situation
    parts = relative.split("/")
    spoken = ground.write_patterns if use in {"write", "delete"} else ground.read_patterns if use != "stat" else ()
    for rule in ground.rules if spoken and matches(spoken, relative) else ():
        verdict = rule.verdict_for(relative, use)
        if verdict is not None and verdict != "allow":
            return Finding("path rule", verdict, f"{path}: {rule.why or rule.pattern} ({rule.origin.place})")
    if use in {"write", "delete"}:
        if any(named(part, known.own) for part in parts):
            return Finding("own files", "deny", f"{path} is vtcode's own and written by a person only", firm=True)
        if matches(situation.protected, relative) or _protects_below(relative, situation.protected):
            return Finding(
                "protected", "prompt", f"{path} is protected: another tool runs or trusts what stands there"
            )
        if parts[0].casefold() == ".git" or ".git" in parts:
            return Finding("protected", "prompt", f"{path} belongs to git itself")
    if use in {"read", "delete"} and matches(situation.masked, relative):
        return Finding("masked", "deny", f"{path} is masked: its content is a secret", firm=use == "read")
    if use != "stat" and any(named(part, known.secrets) for part in parts):
        return Finding("credentials", "deny" if use == "read" else "prompt", f"{path} looks like a credential")
    if use == "delete":
        if any(named(part, known.regenerable) for part in parts if part):
            return Finding("path", "allow", f"{path}: rebuilt when needed")
        return Finding("deletes", "prompt", f"deletes {path}")
    if use == "write" and not situation.staged and _exists(path, relative, ground):
        return Finding("overwrites", "prompt", f"overwrites {path}, and there is no staging layer to undo it")
    return Finding("path", "allow", f"{path}: in the workspace")


@lru_cache(maxsize=8192)
def _protects_below(relative: str, protected: tuple[str, ...]) -> bool:
    folder = relative.rstrip("/") + "/"
    return any(p.lstrip("/").casefold().startswith(folder.casefold()) for p in protected if not p.startswith("!"))


def _exists(path: str, relative: str, ground: Ground) -> bool:
    target = ground.situation.root / relative
    return target.is_file()


def _judge_outside(path: str, reached: str, use: Use, ground: Ground) -> Finding:
    known = ground.places
    if use in {"read", "stat", "run"} and known.system.holds(reached):
        return Finding("path", "allow", f"{path}: part of the system")
    if use == "read" and named(reached.rsplit("/", 1)[-1], known.secrets):
        return Finding("credentials", "deny", f"{path} looks like a credential", firm=True)
    if use == "read" and known.credentials.below(reached):
        return Finding("outside", "prompt", f"{_VERB[use]} {path}, which holds credentials")
    return Finding("outside", "prompt", f"{_VERB[use]} {path}, outside the workspace")
