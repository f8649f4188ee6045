"""Nodes of the syntax tree to words: what is certain, what the shell would change, what hides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Frame
from vtcode_tui.policy.words import MOST_SHAPES, Shape, Word, joined, literal, unknown

if TYPE_CHECKING:
    from tree_sitter import Node

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+^#")
MOST_PARTS = 2000
NUMBER = "a number that the shell counts"
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_SIMPLE_ESCAPES = {
    "n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "r": "\r", "v": "\v",
    "e": "\x1b", "E": "\x1b", "?": "?",
}  # fmt: skip
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
        inner: Callable[[Node, Frame, int], None],
    ) -> None:
        self.source = source
        self.home = home
        self.trouble = trouble
        self.inner = inner

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
                return _ansi_c(text)
            case "simple_expansion" | "expansion":
                return self._variable(node, text, frame, depth)
            case "command_substitution" | "process_substitution":
                self.inner(node, frame, depth)
                if node.type == "process_substitution":
                    return Word(text, None, (Shape("/dev/fd/63"),), False, "a pipe to a command")
                return unknown(text, "the output of a command", splits=True)
            case "arithmetic_expansion":
                self.arithmetic(node, frame, depth)
                return Word(text, None, (Shape("0"),), False, "a number")
            case "brace_expression":
                return _braces(text, [literal(text)])
            case "extglob_pattern" | "regex":
                if "$" in text or "`" in text:
                    self.trouble("a pattern is computed")
                return self._unquoted(text, first=True)
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
            if not child.is_named and child.type == "$":
                continue
            if child.type in {"word", "number"} and not child.children:
                parts.append(self._unquoted(self.text(child), first=not parts, inside=True))
            else:
                parts.append(self.word(child, frame, depth))
            kinds.append(child.type)
        if previous != node.end_byte:
            self.trouble("a word has a gap that is not understood")
        odd = _hidden(parts, kinds)
        if "{" in text and any(k == "brace_expression" for k in kinds):
            return unknown(
                text, "a brace expansion", start=parts[0].start if kinds[0] == "word" else "", splits=True
            )
        if _has_braces(parts, kinds):
            return _braces(text, parts)
        made = joined(text, parts)
        if odd:
            made = replace(made, odd=odd)
        return made

    def _unquoted(self, text: str, *, first: bool, inside: bool = False) -> Word:
        value: list[str] = []
        odd = ""
        position = 0
        glob = -1
        while position < len(text):
            char = text[position]
            if char == "\\" and position + 1 < len(text):
                following = text[position + 1]
                position += 2
                if following == "\n":
                    continue
                if following in _ALNUM:
                    odd = "a backslash that hides a plain character"
                value.append(following)
                continue
            if char in "*?[" and glob < 0:
                glob = len(value)
            value.append(char)
            position += 1
        made = "".join(value)
        if first and text.startswith("~"):
            made, glob, known = self._tilde(made, glob)
            if not known:
                return unknown(text, "another user's home folder")
            if glob < 0:
                return Word(text, made, odd=odd)
        if glob >= 0:
            return Word(text, None, (Shape(made[:glob], "glob", made[glob:]),), True, "a glob", odd=odd)
        if not inside and "{" in made and ("," in made or ".." in made) and "}" in made:
            return _braces(text, [Word(text, made, odd=odd)])
        return Word(text, made, odd=odd)

    def _tilde(self, made: str, glob: int) -> tuple[str, int, bool]:
        name, slash, rest = made.partition("/")
        if name != "~":
            return made, glob, False
        home = self.home
        return home + slash + rest, glob + len(home) - 1 if glob >= 0 else glob, True

    def _string(self, node: Node, frame: Frame, depth: int) -> Word:
        text = self.text(node)
        parts: list[Word] = []
        position = node.start_byte + 1
        for child in node.children:
            if child.type == '"':
                continue
            if child.start_byte > position:
                parts.append(_double_quoted(self.source[position : child.start_byte].decode()))
            position = child.end_byte
            if child.type == "string_content":
                parts.append(_double_quoted(self.text(child)))
            elif child.is_named:
                made = self.word(child, frame, depth)
                parts.append(replace(made, splits=False, loose=False, odd=""))
            else:
                parts.append(literal(self.text(child)))
        if position < node.end_byte - 1:
            parts.append(_double_quoted(self.source[position : node.end_byte - 1].decode()))
        if not parts:
            return Word(text, "")
        made = joined(text, parts)
        return replace(made, text=text, splits=False, loose=False)

    def _variable(self, node: Node, text: str, frame: Frame, depth: int) -> Word:
        names = [c for c in node.children if c.type in {"variable_name", "special_variable_name"}]
        name = self.text(names[0]) if names else ""
        bare = text in {f"${name}", f"${{{name}}}"}
        if not bare:
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
        if name in {"?", "#", "$", "!", "UID", "EUID", "RANDOM", "LINENO", "SECONDS", "PPID"}:
            return Word(text, None, (Shape("0"),), False, "a number")
        known = frame.known(name)
        if known is not None:
            if known.why == NUMBER:
                return Word(text, None, (Shape("0"),), False, "a number")
            # Unquoted, a file name with a blank in it becomes several words.
            splits = known.splits or any(s.tail for s in known.shapes)
            return Word(text, known.value, known.shapes, splits, known.why, splits)
        if name == "HOME":
            return Word(text, self.home)
        if name == "PWD" and frame.folders and len(frame.folders) == 1:
            return Word(text, frame.folders[0])
        return unknown(text, f"the value of {name or 'a variable'} is not known", splits=True)

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
                if known is None or known.why != NUMBER:
                    self.trouble(f"{self.text(part)} is evaluated as arithmetic")
            elif part.type not in _ARITHMETIC:
                self.trouble("an arithmetic expression is not understood")
            waiting.extend(c for c in part.children if c.is_named)


def _double_quoted(text: str) -> Word:
    if "\\" not in text:
        return Word(text, text)
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text) and text[position + 1] in '"\\$`\n':
            if text[position + 1] != "\n":
                out.append(text[position + 1])
            position += 2
            continue
        out.append(char)
        position += 1
    return Word(text, "".join(out))


def _ansi_c(text: str) -> Word:
    body = text[2:-1]
    out: list[str] = []
    position = 0
    odd = ""
    while position < len(body):
        char = body[position]
        if char != "\\" or position + 1 >= len(body):
            out.append(char)
            position += 1
            continue
        code = body[position + 1]
        position += 2
        if code in _SIMPLE_ESCAPES:
            out.append(_SIMPLE_ESCAPES[code])
            continue
        odd = "characters written as codes"
        digits, base, most = {
            "x": ("0123456789abcdefABCDEF", 16, 2),
            "u": ("0123456789abcdefABCDEF", 16, 4),
            "U": ("0123456789abcdefABCDEF", 16, 8),
        }.get(code, ("01234567", 8, 3))
        if base == 8:
            position -= 1
        end = position
        while end < len(body) and end - position < most and body[end] in digits:
            end += 1
        number = int(body[position:end], base) if end > position else 0
        if not 0 < number < 0x80:
            return unknown(text, "characters written as codes")
        out.append(chr(number))
        position = end
    return Word(text, "".join(out), odd=odd or "")


def _hidden(parts: list[Word], kinds: list[str]) -> str:
    """How a concatenation hides a plain value: quotes in the middle of a plain word."""
    quoted = {"string", "raw_string", "ansi_c_string"}
    for here, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
        if kind not in quoted or part.value is None:
            continue
        if not part.value:
            return "an empty quotation inside a word"
        before = parts[here - 1].text[-1:] if here and kinds[here - 1] == "word" else ""
        after = parts[here + 1].text[:1] if here + 1 < len(parts) and kinds[here + 1] == "word" else ""
        plain = _ALNUM.issuperset(part.value)
        if plain and ((before and before in _ALNUM) or (after and after in _ALNUM)):
            return "quotes in the middle of a plain word"
        if here and kinds[here - 1] in quoted:
            return "quotes in the middle of a plain word" if plain else ""
    return ""


def _has_braces(parts: list[Word], kinds: list[str]) -> bool:
    opened = separated = False
    for part, kind in zip(parts, kinds, strict=True):
        if kind not in {"word", "number"}:
            continue
        text = part.text
        opened = opened or "{" in text
        separated = separated or (opened and ("," in text or ".." in text))
        if opened and separated and "}" in text:
            return True
    return False


def _braces(text: str, parts: list[Word]) -> Word:
    """The words that a brace expansion makes, where they can be written out."""
    if any(p.value is None or p.odd for p in parts) or any(c in text for c in "'\"\\$`*?["):
        start = text.split("{", 1)[0]
        return unknown(text, "a brace expansion", start=start if PLAIN.issuperset(start) else "", splits=True)
    expanded = _expand(text)
    if expanded is None:
        return unknown(text, "a brace expansion", start=text.split("{", 1)[0], splits=True)
    return Word(text, None, tuple(Shape(e) for e in expanded), True, "a brace expansion")


def _expand(text: str) -> list[str] | None:
    if text.count("{") != 1 or text.count("}") != 1 or text.index("{") > text.index("}"):
        return None
    before, rest = text.split("{", 1)
    middle, after = rest.split("}", 1)
    if "," in middle:
        items = middle.split(",")
    else:
        low, _, high = middle.partition("..")
        if not (low.isdigit() and high.isdigit() and len(low) < 6 and len(high) < 6):
            return None
        first, last = int(low), int(high)
        step = 1 if last >= first else -1
        items = [str(n) for n in range(first, last + step, step)]
    return [before + item + after for item in items] if len(items) <= MOST_SHAPES else None
