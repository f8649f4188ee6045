"""Tool calls that a model wrote as Python: `read_file(path="a.py", limit=5)`, alone, in a list or line by line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

_LONGEST = 20_000
"""Characters that are taken for calls; what is longer is prose or a program."""


def python_calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The calls of a text that is nothing but calls with named literal arguments; empty where it is anything else.

    Nothing of it is evaluated: it is parsed, and literals are read.
    """
    if len(text) > _LONGEST or "(" not in text:
        return []
    try:
        body = ast.parse(text.strip()).body
        return [_read(call) for statement in body for call in _calls(statement)]
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return []


def _calls(statement: ast.stmt) -> Iterator[ast.expr]:
    if not isinstance(statement, ast.Expr):
        raise ValueError("a statement, not a call")
    value = statement.value
    if isinstance(value, ast.List | ast.Tuple):
        yield from value.elts
    elif isinstance(value, ast.Call) and _name(value.func) == "print" and len(value.args) == 1:
        # Gemma has the answer of its call printed.
        yield value.args[0]
    else:
        yield value


def _read(call: ast.expr) -> tuple[str, dict[str, Any]]:
    if not isinstance(call, ast.Call) or call.args:
        raise ValueError("not a call with named arguments")
    arguments: dict[str, Any] = {}
    for one in call.keywords:
        if one.arg is None:
            raise ValueError("an argument without a name")
        arguments[one.arg] = _plain(ast.literal_eval(one.value))
    return _name(call.func), arguments


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
        case _:
            raise ValueError("not the name of a tool")


def _plain(value: Any) -> Any:
    """A literal as JSON knows it. Raises ValueError for what it does not know."""
    match value:
        case str() | bool() | int() | float() | None:
            return value
        case list() | tuple():
            return [_plain(one) for one in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _plain(one) for key, one in value.items()}
        case _:
            raise ValueError("not a value of JSON")
