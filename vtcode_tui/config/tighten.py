"""What a workspace's vtcode.toml may do to each key: only ever make it stricter.

The table has one row for every key. A workspace's value is combined with the value that the human, the
administrator or the defaults gave; what would loosen it has no effect and is named in a notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Direction: TypeAlias = Literal["lower", "higher", "add", "keep", "false", "order", "order-each", "never"]
"""How a workspace may move a value.

`lower`, `higher`: a number, only down or only up (no value: no bound); `add`: patterns, only more of them and
none that starts with `!`; `keep`: a list, only fewer of those that stand there; `false`: only switched off;
`order`: a word, only further right in the row's ranks; `order-each`: the same for every name of a table;
`never`: not at all.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """One key's direction; `ranks` from loose to strict for words; `empty_is_any`: a list where none means all."""

    direction: Direction
    ranks: tuple[frozenset[str], ...] = ()
    empty_is_any: bool = False


def _ranks(*words: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(word.split("|")) for word in words)


_LOWER, _HIGHER, _NEVER, _FALSE = Rule("lower"), Rule("higher"), Rule("never"), Rule("false")
_SIGNING = _ranks("os-user", "ssh-key", "sk-touch")

RULES: Mapping[str, Rule] = {
    "mode": Rule("order", _ranks("build", "plan", "read-only")),
    "model.provider": _NEVER,
    "model.name": _NEVER,
    "model.chain": _NEVER,
    "model.effort": _NEVER,
    "model.max_output_tokens": _LOWER,
    "model.context_window": _LOWER,
    "model.first_byte_seconds": _NEVER,
    "model.idle_seconds": _NEVER,
    "model.cross_data_class": _FALSE,
    "model.discover": _FALSE,
    "providers.allow": Rule("keep", empty_is_any=True),
    "providers.*": _NEVER,
    "sandbox.minimum_tier": Rule("order", _ranks("kernel|seatbelt", "full")),
    "sandbox.allow_unsandboxed": _FALSE,
    "sandbox.staging": Rule("order", _ranks("off", "auto")),
    "sandbox.read": Rule("keep"),
    "sandbox.write": Rule("keep"),
    "sandbox.protect": Rule("add"),
    "sandbox.mask": Rule("add"),
    "sandbox.runs_by_itself": Rule("add"),
    "sandbox.pass_environment": Rule("keep"),
    "sandbox.pass_secrets": Rule("keep"),
    "sandbox.debug": _FALSE,
    "sandbox.wall_seconds": _LOWER,
    "sandbox.processes": _LOWER,
    "sandbox.memory_mb": _LOWER,
    "sandbox.file_size_mb": _LOWER,
    "sandbox.disk_mb": _LOWER,
    "sandbox.output_mb": _LOWER,
    "approvals.grace_ms": _HIGHER,
    "approvals.expire_seconds": _LOWER,
    "approvals.signing": Rule("order", _SIGNING),
    "approvals.signing_key": _NEVER,
    "approvals.require": Rule("order-each", _SIGNING),
    # Which way evidence is stricter depends on who asks (more of it, or fewer secrets in it).
    "audit.capture": _NEVER,
    "audit.retention_days": _HIGHER,
    "audit.minimum_days": _HIGHER,
    "audit.anchors": _NEVER,
    "audit.rfc3161_url": _NEVER,
    "audit.rfc3161_ca": _NEVER,
    "audit.exporters": _NEVER,
    "context.mask_at": _NEVER,
    "context.compact_at": _NEVER,
    "context.output_head_bytes": _NEVER,
    "context.output_tail_bytes": _NEVER,
    "context.session_token_budget": _LOWER,
    "context.session_cost_budget_usd": _LOWER,
    "context.max_turns": _LOWER,
    "interface.theme": _NEVER,
    "interface.vim": _NEVER,
    "interface.mouse": _NEVER,
    "interface.bell": _NEVER,
    "interface.notify": _NEVER,
    "interface.screen_reader": _NEVER,
    "interface.diff": _NEVER,
    "interface.keys": _NEVER,
}

_REASONS: Mapping[Direction, str] = {
    "lower": "a workspace may only lower it",
    "higher": "a workspace may only raise it",
    "add": "a workspace may only add patterns, and none that starts with `!`",
    "keep": "a workspace may only leave out entries",
    "false": "a workspace may only switch it off",
    "order": "a workspace may only make it stricter",
    "order-each": "a workspace may only make it stricter",
    "never": "a workspace may not set it",
}


def tightened(rule: Rule, key: str, current: Any, wanted: Any, *, floor: str = "") -> tuple[Any, str]:
    """The value of `key` after a workspace asked for `wanted`, and what of that had no effect and why (or "").

    `rule` is the key's, of `RULES`; `floor`: what holds for names of an `order-each` table that are not in it.
    """
    value, ignored = (
        _each(rule, current, wanted, floor) if rule.direction == "order-each" else _combine(rule, current, wanted)
    )
    if not ignored:
        return value, ""
    return value, f"`{key}`: {_REASONS[rule.direction]}; {ignored} has no effect"


def _combine(rule: Rule, current: Any, wanted: Any) -> tuple[Any, str]:
    match rule.direction:
        case "lower":
            return (wanted, "") if current is None or wanted <= current else (current, str(wanted))
        case "higher":
            return (wanted, "") if wanted >= current else (current, str(wanted))
        case "false":
            return (wanted, "") if wanted is False or current is True else (current, "true")
        case "order":
            strict = _rank(rule, wanted) > _rank(rule, current) or wanted == current
            return (wanted, "") if strict else (current, repr(wanted))
        case "add":
            fine = [p for p in wanted if not p.startswith("!")]
            # gitignore's last match wins, so a pattern that is added at the end cannot be undone by an earlier `!`.
            merged = [*current, *(p for p in fine if p not in current)]
            return merged, _listed(p for p in wanted if p.startswith("!") and p not in current)
        case "keep":
            if rule.empty_is_any and not current:
                return list(wanted), ""
            kept = [entry for entry in wanted if entry in current]
            if rule.empty_is_any and not kept:
                return list(current), _listed(wanted) or "an empty list"
            return kept, _listed(entry for entry in wanted if entry not in current)
        case _:
            return current, "" if wanted == current else "the workspace's value"


def _each(
    rule: Rule, current: Mapping[str, str], wanted: Mapping[str, str], floor: str
) -> tuple[dict[str, str], str]:
    value, ignored = dict(current), []
    for name, word in wanted.items():
        held = value.get(name, floor)
        if not held or _rank(rule, word) > _rank(rule, held):
            value[name] = word
        elif held != word:
            ignored.append(f"{name} = {word}")
    return value, ", ".join(ignored)


def _rank(rule: Rule, word: str) -> int:
    return next(place for place, words in enumerate(rule.ranks) if word in words)


def _listed(entries: Any) -> str:
    found: Sequence[str] = [repr(entry) for entry in entries]
    return ", ".join(found)
