"""Nodes of the syntax tree to words: what is certain, what the shell would change, what hides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Frame
from vtcode_tui.policy.shell_names import Names
from vtcode_tui.policy.shell_quotes import (
    ALNUM,
    NUMBER,
    PLAIN,
    ansi_c,
    braces,
    double_quoted,
    has_braces,
    hidden,
    number,
)
from vtcode_tui.policy.words import Shape, Word, joined, literal, unknown

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_PARTS = 2000
_BREAKS = frozenset(" \t\n;&|<>()`")
"""What ends a word unless it is quoted; the grammar has been seen to read over it."""
_COUNTED = frozenset({"?", "#", "$", "!", "UID", "EUID", "RANDOM", "LINENO", "SECONDS", "PPID"})
_ARITHMETIC = frozenset(
    {
        "binary_expression", "unary_expression", "postfix_expression", "parenthesized_expression", "number",
        "test_operator", "ternary_expression", "arithmetic_expansion", "variable_name", "word", "simple_expansion",
        "expansion", "string", "string_content", "variable_assignment",
    }
)  # fmt: skip


class WordReader:
    """Reads words; walks into substitutions through `inner`, and reports troubles."""

    def __init__(
        self,
        source: bytes,
        home: str,
        trouble: Callable[[str], None],
        inner: Callable[[Node, Frame, int], tuple[tuple[Word, ...], ...]],
    ) -> None:
        self.source = source
        self.home = home
        self.trouble = trouble
        self.inner = inner
        self.names = Names(source.decode())

    def glued(self, end: int, node: Node) -> bool:
        """Whether a node continues the word that ended there: the grammar splits words that a shell does not."""
        start = node.start_byte
        return self.source[end:start] != b" " and not self.source[end:start].replace(b"\\\n", b"")

    @staticmethod
    def _translates(node: Node) -> bool:
        """The dollar sign of `$"text"`, which is the text."""
        after = node.next_sibling if node.type == "$" else None
        return after is not None and after.type == "string" and after.start_byte == node.end_byte

    def listed(self, nodes: list[Node], frame: Frame, depth: int) -> list[Word]:
        """The words of nodes that stand beside each other."""
        found: list[Word] = []
        end = -1
        for node in nodes:
            if self._translates(node):
                continue
            made = literal("$") if node.type == "$" else self.word(node, frame, depth)
            if found and self.glued(end, node):
                last = found.pop()
                made = joined(last.text + made.text, [last, replace(made, odd=made.odd or "a word in pieces")])
            found.append(made)
            end = node.end_byte
        return found

    def text(self, node: Node) -> str:
        """A node as written."""
        return self.source[node.start_byte : node.end_byte].decode()

    def word(self, node: Node, frame: Frame, depth: int) -> Word:
        """Any node that stands where a word may stand."""
        text = self.text(node)
        if node.child_count > MOST_PARTS:
            self.trouble("a word has too many parts")
            return unknown(text[:80], "it has too many parts", splits=True)
        match node.type:
            case "word" | "number" | "variable_name" | "special_variable_name" | "test_operator":
                return (
                    literal(text)
                    if PLAIN.issuperset(text) and not node.children
                    else self._unquoted(text, first=True)
                )
            case "raw_string":
                return Word(text, text[1:-1])
            case "concatenation":
                return self._concatenation(node, frame, depth)
            case "string" | "translated_string":
                return self._string(node, frame, depth)
            case _:
                return self._expansion(node, text, frame, depth)

    def _expansion(self, node: Node, text: str, frame: Frame, depth: int) -> Word:
        match node.type:
            case "ansi_c_string":
                return ansi_c(text)
            case "simple_expansion" | "expansion":
                return self._variable(node, text, frame, depth)
            case "command_substitution" | "process_substitution":
                source = self.inner(node, frame, depth)
                if node.type == "process_substitution":
                    return Word(text, None, (Shape("/dev/fd/63"),), False, "a pipe to a command")
                return replace(unknown(text, "the output of a command", splits=True), source=source)
            case "arithmetic_expansion":
                self.arithmetic(node, frame, depth)
                return number(text, "a number")
            case "brace_expression":
                return braces(text, [literal(text)])
            case "extglob_pattern" | "regex":
                if "$" in text or "`" in text:
                    self.trouble("a pattern is computed")
                return self._unquoted(text, first=True, pattern=True)
            case _:
                self.trouble(f"a word is not understood ({node.type.replace('_', ' ').lower()})")
                return unknown(text, "not understood", splits=True)

    def _concatenation(self, node: Node, frame: Frame, depth: int) -> Word:
        text = self.text(node)
        parts: list[Word] = []
        kinds: list[str] = []
        previous = node.start_byte
        for child in node.children:
            if child.start_byte != previous:
                self.trouble("a word has a gap that is not understood")
            previous = child.end_byte
            if child.type == "$":
                if not self._translates(child):
                    parts.append(literal("$"))
                    kinds.append("word")
                continue
            if child.type in {"word", "number"} and not child.children:
                parts.append(self._unquoted(self.text(child), first=not parts, inside=True))
            else:
                parts.append(self.word(child, frame, depth))
            kinds.append(child.type)
        if previous != node.end_byte:
            self.trouble("a word has a gap that is not understood")
        odd = hidden(parts, kinds)
        if "{" in text and any(k == "brace_expression" for k in kinds):
            return unknown(
                text, "a brace expansion", start=parts[0].start if kinds[0] == "word" else "", splits=True
            )
        if has_braces(parts, kinds):
            return braces(text, parts)
        made = joined(text, parts)
        if odd:
            made = replace(made, odd=odd)
        return made

    def _unquoted(self, text: str, *, first: bool, inside: bool = False, pattern: bool = False) -> Word:
        value: list[str] = []
        odd = ""
        position = 0
        glob = -1
        while position < len(text):
            char = text[position]
            if char in _BREAKS and not pattern:
                self.trouble(f"{text!r} is more than one word")
                return unknown(text, "more than one word", splits=True)
            if char == "\\" and position + 1 < len(text):
                following = text[position + 1]
                position += 2
                if following == "\n":
                    continue
                if following in ALNUM:
                    odd = "a backslash that hides a plain character"
                value.append(following)
                continue
            if char in "*?[" and glob < 0:
                glob = len(value)
            value.append(char)
            position += 1
        made = "".join(value)
        if first and "~" in text:
            made, glob, known = self._tilde(made, glob)
            if not known:
                return unknown(text, "another folder's name", start=made.partition("~")[0])
            if glob < 0 and text.startswith("~"):
                return Word(text, made, odd=odd)
        if glob >= 0:
            return Word(text, None, (Shape(made[:glob], "glob", made[glob:]),), True, "a glob", odd=odd)
        if not inside and "{" in made and ("," in made or ".." in made) and "}" in made:
            return braces(text, [Word(text, made, odd=odd)])
        return Word(text, made, odd=odd)

    def _tilde(self, made: str, glob: int) -> tuple[str, int, bool]:
        """Where `~` stands at the beginning, or where a value would begin if the word were an assignment."""
        name, equals, value = made.partition("=")
        if not made.startswith("~") and not (
            equals and "~" in value and name.rstrip("+").replace("_", "a").isalnum()
        ):
            return made, glob, True
        before, rest = ("", made) if made.startswith("~") else (name + equals, value)
        if ":~" in rest or (before and not rest.startswith("~")):
            return made, glob, ":~" not in rest
        if rest.partition("/")[0] != "~":
            return made, glob, False
        return before + self.home + rest[1:], glob + len(self.home) - 1 if glob >= 0 else glob, True

    def _string(self, node: Node, frame: Frame, depth: int) -> Word:
        text = self.text(node)
        parts: list[Word] = []
        position = node.start_byte + 1
        several = False
        for child in node.children:
            if child.type == '"':
                continue
            if child.start_byte > position:
                parts.append(double_quoted(self.source[position : child.start_byte].decode()))
            position = child.end_byte
            if child.type == "string_content":
                parts.append(double_quoted(self.text(child)))
            elif child.is_named:
                made = self.word(child, replace(frame, quoted=True), depth)
                # Even in quotes `"$@"` is as many words as there are, or none.
                several = several or (made.splits and "@" in self.text(child))
                parts.append(replace(made, splits=False, loose=False, odd=""))
            else:
                parts.append(literal(self.text(child)))
        if position < node.end_byte - 1:
            parts.append(double_quoted(self.source[position : node.end_byte - 1].decode()))
        if not parts:
            return Word(text, "")
        made = joined(text, parts)
        return replace(made, text=text, splits=several, loose=several)

    def _variable(self, node: Node, text: str, frame: Frame, depth: int) -> Word:
        names = [c for c in node.children if c.type in {"variable_name", "special_variable_name"}]
        name = self.text(names[0]) if names else ""
        bare = text in {f"${name}", f"${{{name}}}"}
        if not bare:
            return self._computed(node, text, frame, depth)
        known = frame.known(name)
        if known is not None:
            if known.why == NUMBER:
                return number(text, "a number")
            if not frame.quoted and not all(s.start + s.tail and PLAIN.issuperset(s.start) for s in known.options):
                return replace(unknown(text, f"{name} is not quoted", splits=True), source=known.source)
            # Unquoted, a file name with a blank in it becomes several words.
            splits = known.splits or any(s.tail for s in known.shapes)
            return Word(text, known.value, known.shapes, splits, known.why, splits, source=known.source)
        if self.names.numeric(name):
            return replace(number(text, "a number"), splits=not frame.quoted)
        if self.names.set(name):
            return unknown(text, f"the value of {name} is not known", splits=True)
        if name in _COUNTED:
            return replace(number(text, "a number"), splits=name == "!")
        if name == "HOME":
            return Word(text, self.home)
        if name == "PWD" and frame.folders and len(frame.folders) == 1:
            return Word(text, frame.folders[0])
        return unknown(text, f"the value of {name or 'a variable'} is not known", splits=True)

    def _computed(self, node: Node, text: str, frame: Frame, depth: int) -> Word:
        """An expansion that does more than give a variable's value."""
        body = text[2:-1]
        if ("@" in body[1:] and not body.endswith("[@]")) or body.startswith("!"):
            self.trouble("an expansion evaluates the content of a variable")
        for child in node.children:
            if child.type in {
                "command_substitution",
                "process_substitution",
                "expansion",
                "simple_expansion",
                "string",
                "concatenation",
                "arithmetic_expansion",
            }:
                self.word(child, frame, depth)
            elif child.type == "subscript" or ("[" in body and not body.endswith(("[@]", "[*]"))):
                self.trouble("an array index is computed")
        if "`" in body:
            self.trouble("an expansion runs a command")
        return unknown(text, "the value of a variable is not known", splits=True)

    def arithmetic(self, node: Node, frame: Frame, depth: int) -> None:
        """An arithmetic expression: a variable in it is evaluated again by the shell, so it must be a number."""
        waiting = [c for c in node.children if c.is_named] or [node]
        while waiting:
            part = waiting.pop()
            if part.type in {"command_substitution", "process_substitution"}:
                self.inner(part, frame, depth)
                self.trouble("the output of a command is evaluated as arithmetic")
            elif part.type in {"variable_name", "word"} and not self.text(part).isdigit():
                known = frame.known(self.text(part))
                if (known is None or known.why != NUMBER) and not self.names.numeric(self.text(part)):
                    self.trouble(f"{self.text(part)} is evaluated as arithmetic")
            elif part.type not in _ARITHMETIC:
                self.trouble("an arithmetic expression is not understood")
            waiting.extend(c for c in part.children if c.is_named)
