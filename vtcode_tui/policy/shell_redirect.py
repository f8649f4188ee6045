"""Redirections, here-documents and here-strings of a shell text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Frame, Redirection
from vtcode_tui.policy.shell_words import WordReader
from vtcode_tui.policy.words import Word, unknown

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST = 100
_UNQUOTED = str.maketrans("", "", "'\"\\")
_REDIRECTIONS = frozenset({">", ">>", "<", "<>", "&>", "&>>", ">|", ">&", "<&"})


class Redirects:
    """Reads redirections with the same reader as the words around them."""

    def __init__(self, words: WordReader) -> None:
        self.words = words

    def file(self, node: Node, frame: Frame, depth: int) -> list[Redirection]:
        """`> file` and its kin; closing and duplicating descriptors is nothing."""
        operator, targets = "", []
        for child in node.children:
            if child.type == "file_descriptor":
                continue
            if not child.is_named:
                operator = child.type
            else:
                targets.append(self.words.word(child, frame, depth))
        if operator in {">&-", "<&-"}:
            return []
        if operator in {">&", "<&"} and targets and (targets[0].value or "x").rstrip("-").isdigit():
            return []
        if len(targets) != 1 or operator not in _REDIRECTIONS:
            self.words.trouble("a redirection is not understood")
        return [Redirection(operator, t) for t in targets]

    def heredoc(self, node: Node, frame: Frame, depth: int, late: list[Node]) -> Word:
        """The text of a here-document; what else stands on its first line is put into `late`."""
        start, body = "", ""
        certain = True
        self._ends_where_it_seems(node)
        for child in node.children:
            match child.type:
                case "heredoc_start":
                    start = self.words.text(child)
                case "heredoc_body":
                    body = self.words.text(child)
                    quoted = any(q in start for q in "'\"\\")
                    if not quoted and ("$" in body or "`" in body or "\\" in body):
                        certain = False
                        self._substitutions(child, frame, depth)
                case "heredoc_end" | "file_descriptor":
                    pass
                case _ if child.is_named:
                    late.append(child)
                case kind if kind in {"&&", "||", ";", "<<", "<<-", "|", "&"}:
                    pass
                case _:
                    self.words.trouble("a here-document is not understood")
        return Word(body, body if certain else None, (), False, "" if certain else "the here-document is expanded")

    def _ends_where_it_seems(self, node: Node) -> None:
        """The shell looks for a line that is the delimiter and nothing else; the grammar is more generous."""
        parts = {c.type: c for c in node.children}
        start, end = parts.get("heredoc_start"), parts.get("heredoc_end")
        if start is None or end is None:
            self.words.trouble("a here-document has no end")
            return
        source = self.words.source
        begin = source.find(b"\n", start.end_byte) + 1
        delimiter = self.words.text(start).translate(_UNQUOTED).encode()
        dashed = any(c.type == "<<-" for c in node.children)
        at = begin
        while at < len(source):
            line_end = source.find(b"\n", at)
            line = source[at:] if line_end < 0 else source[at:line_end]
            if (line.lstrip(b"\t") if dashed else line) == delimiter:
                break
            at += len(line) + 1
        seen = end.end_byte - len(delimiter)
        line_start = source.rfind(b"\n", 0, seen) + 1
        body = parts.get("heredoc_body")
        if at != line_start or begin == 0 or (body is not None and body.start_byte < begin) or self._another(node):
            self.words.trouble("a here-document does not end where it seems to")

    def _another(self, node: Node) -> bool:
        """Whether a second one begins on the same line."""
        line_end = self.words.source.find(b"\n", node.start_byte)
        line_start = self.words.source.rfind(b"\n", 0, node.start_byte) + 1
        line = self.words.source[line_start : line_end if line_end >= 0 else None]
        return line.replace(b"<<<", b"").count(b"<<") > 1

    def _substitutions(self, node: Node, frame: Frame, depth: int) -> None:
        if depth > DEEPEST:
            self.words.trouble("the command is nested too deeply or has too many parts")
            return
        for child in node.children:
            if child.type in {"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"}:
                self.words.word(child, frame, depth)
            elif child.type not in {"heredoc_content", "string_content"} and child.is_named:
                self.words.trouble("a here-document is not understood")
        if "`" in self.words.text(node):
            self.words.trouble("a here-document runs a command in backquotes")

    def herestring(self, node: Node, frame: Frame, depth: int) -> Word:
        """The text of `<<< word`."""
        found = [
            self.words.word(c, frame, depth) for c in node.children if c.is_named and c.type != "file_descriptor"
        ]
        return found[0] if len(found) == 1 else unknown(self.words.text(node), "a here-string is not understood")
