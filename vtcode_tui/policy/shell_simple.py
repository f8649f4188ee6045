"""Simple commands of a shell text: words, redirections, assignments, and where the shell stands after them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Assignment, Frame, Redirection, Simple
from vtcode_tui.policy.shell_redirect import Redirects
from vtcode_tui.policy.shell_variables import Variables
from vtcode_tui.policy.shell_words import WordReader
from vtcode_tui.policy.words import Word, literal

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_COMMANDS = 400


class Simples:
    """Collects simple commands and troubles; whoever walks the statements inherits from it."""

    def __init__(self, source: bytes, home: str) -> None:
        self.source = source
        self.home = home
        self.commands: list[Simple] = []
        self.troubles: list[str] = []
        self.functions: set[str] = set()
        self.seen: set[int] = set()
        """The nodes of the commands that were read."""
        self.words = WordReader(source, home, self.trouble, self.inner)
        self.redirects = Redirects(self.words)
        self.variables = Variables(self.words)
        self.names = self.words.names

    def trouble(self, reason: str) -> None:
        """Note something that only a person should judge."""
        self.troubles.append(reason)

    def inner(self, node: Node, frame: Frame, depth: int) -> tuple[tuple[Word, ...], ...]:
        """Walk the commands of a substitution; returns them where they are one plain pipeline."""
        raise NotImplementedError

    def add(self, simple: Simple) -> None:
        """Note a simple command."""
        if len(self.commands) > MOST_COMMANDS:
            self.trouble("the command is nested too deeply or has too many parts")
            return
        self.commands.append(simple)

    def text(self, node: Node) -> str:
        """A node as written."""
        return self.source[node.start_byte : node.end_byte].decode()

    def command(self, node: Node, frame: Frame, redirections: tuple[Redirection, ...], depth: int) -> Frame:
        """A command with its words."""
        self.seen.add(node.id)
        words: list[Node] = []
        assignments: list[Assignment] = []
        more = list(redirections)
        feed, fed = frame.feed, frame.fed
        for child in node.children:
            match child.type:
                case "command_name":
                    words.append(child.children[0])
                case "variable_assignment":
                    assignments.extend(self.variables.assigned(child, frame, depth, exported=True))
                case "file_redirect":
                    more.extend(self.redirects.file(child, frame, depth))
                    if more and more[-1].operator in {"<", "<>"}:
                        feed, fed = "file", more[-1].target
                case "herestring_redirect":
                    feed, fed = "text", self.redirects.herestring(child, frame, depth)
                case "subshell":
                    self.trouble("a subshell stands where an argument should")
                    self.inner(child, frame, depth)
                case _:
                    words.append(child)
        read = self.words.listed(words, frame, depth)
        folders = frame.folders
        if read and read[0].value == "trap" and self.names.moves:
            # What it sets up runs wherever the shell stands by then.
            folders = None
        simple = Simple(
            tuple(read), tuple(assignments), tuple(more), folders, feed, fed, frame.piped, self.text(node),
            frame.source,
        )  # fmt: skip
        self.add(simple)
        return self._moved(simple, frame)

    def _moved(self, simple: Simple, frame: Frame) -> Frame:
        """Where the shell stands after a command that may be `cd` and that succeeded."""
        name = simple.words[0].value if simple.words else ""
        if name in {"popd", "eval", "source", ".", "builtin", "command"} and any(
            w.value is None or any(mover in w.value for mover in _MOVERS) for w in simple.words
        ):
            return replace(frame, folders=None)
        if name in self.functions or name not in {"cd", "pushd"}:
            return frame
        given = [w for w in simple.words[1:] if w.value not in {"-P", "-L", "-e", "--"}]
        if simple.assignments:
            return replace(frame, folders=None)
        if not given:
            return replace(frame, folders=(self.home,) if name == "cd" else None)
        target = given[0]
        if len(given) > 1 or target.value is None or target.value.startswith("-") or frame.folders is None:
            return replace(frame, folders=None)
        if target.value.startswith("/"):
            return replace(frame, folders=(target.value,))
        return replace(frame, folders=tuple(f"{folder.rstrip('/')}/{target.value}" for folder in frame.folders))

    def assignments(self, node: Node, frame: Frame, depth: int) -> Frame:
        """Assignments without a command; what cannot change any more is known from here on."""
        nodes = [node] if node.type == "variable_assignment" else [c for c in node.children if c.is_named]
        made = [a for n in nodes for a in self.variables.assigned(n, frame, depth, exported=False)]
        self.add(Simple((), tuple(made), (), frame.folders, text=self.text(node)))
        return self._known(made, frame)

    def declaration(self, node: Node, frame: Frame, depth: int) -> Frame:
        """`export` and its kin."""
        made = self.variables.declared(node, frame, depth)
        self.add(Simple((), tuple(made), (), frame.folders, text=self.text(node)))
        return self._known(made, frame) if node.children[0].type == "export" else frame

    def _known(self, made: list[Assignment], frame: Frame) -> Frame:
        known = tuple(
            (a.name, replace(a.value, text=f"${a.name}"))
            for a in made
            if a.value.value is not None
            and not a.value.odd
            and ":~" not in a.value.text
            and self.names.once(a.name)
        )
        return replace(frame, variables=(*frame.variables, *known)) if known else frame

    def test(self, node: Node, frame: Frame, depth: int) -> None:
        """`[ ... ]` and `[[ ... ]]`."""
        words = [literal("test")]
        waiting = [c for c in reversed(node.children) if c.is_named]
        double = self.text(node).startswith("[[")
        while waiting:
            part = waiting.pop()
            if part.type in {
                "binary_expression",
                "unary_expression",
                "parenthesized_expression",
                "ternary_expression",
            }:
                if double and any(c.type == "test_operator" and self.text(c) in _NUMERIC for c in part.children):
                    self.words.arithmetic(part, frame, depth)
                    continue
                waiting.extend(c for c in reversed(part.children) if c.is_named)
            elif part.type == "test_operator":
                words.append(literal(self.text(part)))
            elif part.type in {"regex", "extglob_pattern"}:
                if "$(" in self.text(part) or "`" in self.text(part):
                    self.trouble("a pattern runs a command")
            else:
                words.append(self.words.word(part, frame, depth))
        self.add(Simple(tuple(words), folders=frame.folders, text=self.text(node)))


_MOVERS = ("cd", "pushd", "popd")
_NUMERIC = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
