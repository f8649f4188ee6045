"""The definitions of one source text, found by walking its syntax tree where definitions can be."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from vtcode_tui.code.languages import LANGUAGES, Language

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES = 1 << 20
"""A file larger than this is generated, minified or hostile, and is not parsed."""
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. Lines are 1-based; `within` names what it is defined in, outermost first, with dots."""

    name: str
    kind: str
    line: int
    end_line: int
    within: str = ""

    def as_json(self, **more: Any) -> dict[str, Any]:
        """As JSON-able data."""
        row = {"name": self.name, "kind": self.kind, "line": self.line, "end_line": self.end_line}
        return {**row, "within": self.within, **more}


def outline(text: bytes, language: str) -> list[Symbol]:
    """The definitions of a text in the order of its lines. Broken code gives what could be understood of it."""
    if len(text) > MAX_BYTES:
        return []
    tree = _parser(language).parse(text)
    return list(_walk(tree.root_node, LANGUAGES[language]))


@lru_cache(maxsize=len(LANGUAGES))
def _parser(language: str) -> Parser:
    import tree_sitter

    known = LANGUAGES[language]
    module = importlib.import_module(known.module)
    return tree_sitter.Parser(tree_sitter.Language(getattr(module, known.function)()))


def _walk(root: Node, language: Language) -> Iterator[Symbol]:
    # A stack of nodes, not a recursion: the text may nest as deeply as its author likes.
    pending: list[tuple[Node, str, str, int]] = [(root, "", "", 0)]
    while pending:
        node, within, holder, depth = pending.pop()
        inner, inner_kind = within, holder
        kind = language.definitions.get(node.type)
        if kind is not None and depth and (name := _name(node)):
            if symbol := _symbol(node, name, kind, within, holder):
                yield symbol
                inner, inner_kind = f"{within}.{name}" if within else name, symbol.kind
            elif kind == "function":
                continue  # a variable that holds no function
        elif node.type not in language.holders and not (kind and depth):
            continue
        if depth < _DEEPEST:
            pending.extend((child, inner, inner_kind, depth + 1) for child in reversed(_inside(node, language)))


def _inside(node: Node, language: Language) -> list[Node]:
    """The parts of a node in which definitions may stand."""
    return [
        child
        for child in node.named_children
        if child.type in language.holders
        or child.type in language.definitions
        or child.type in {"arrow_function", "function_expression", "class", "object"}
        or (node.type in language.definitions and child.type in {"body", "function_body", "field_declaration_list"})
    ]


_OWNERS = frozenset({"class", "interface", "struct", "trait", "impl", "record", "enum", "annotation", "union"})


def _symbol(node: Node, name: str, kind: str, within: str, holder: str) -> Symbol | None:
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is None or value.type not in {"arrow_function", "function_expression", "class"}:
            return None
        kind = "class" if value.type == "class" else "function"
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return None  # `struct a` as the name of a type, not its definition
    if kind == "function" and holder in _OWNERS:
        kind = "method"
    return Symbol(name, kind, node.start_point[0] + 1, node.end_point[0] + 1, within)


def _name(node: Node) -> str:
    found = node.child_by_field_name("name")
    if node.type == "impl_item":
        return " for ".join(
            _text(part) for field in ("trait", "type") if (part := node.child_by_field_name(field)) is not None
        )
    if found is None:
        # C and C++ wrap the name in declarators: pointers, parameters, arrays.
        found = node.child_by_field_name("declarator")
        while found is not None and (below := found.child_by_field_name("declarator")) is not None:
            found = below
    return _text(found) if found is not None else ""


def _text(node: Node) -> str:
    raw = node.text or b""
    return " ".join(raw[:200].decode("utf-8", "replace").split())
