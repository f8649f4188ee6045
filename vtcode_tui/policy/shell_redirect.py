"""Redirections, here-documents and here-strings of a shell text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Frame, Redirection
from vtcode_tui.policy.shell_words import WordReader
from vtcode_tui.policy.words import Word, unknown

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST = 100
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
