"""Assignments and declarations of a shell text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Assignment, Frame
from vtcode_tui.policy.shell_words import WordReader
from vtcode_tui.policy.words import literal, unknown

if TYPE_CHECKING:
    from tree_sitter import Node


class Variables:
    """Reads assignments with the same reader as the words around them."""

    def __init__(self, words: WordReader) -> None:
        self.words = words

    def assigned(self, node: Node, frame: Frame, depth: int, *, exported: bool) -> list[Assignment]:
        """One assignment; its value may run commands."""
        name, value = "", literal("")
        for child in node.children:
            match child.type:
                case "variable_name":
                    name = self.words.text(child)
                case "subscript":
                    name = self.words.text(child.children[0])
                    index = self.words.text(child)[len(name) + 1 : -1]
                    if not index.isalnum():
                        self.words.trouble("an array index is computed")
                case "array":
                    for item in child.children:
                        if item.is_named:
                            self.words.word(item, frame, depth)
                    value = unknown(self.words.text(child), "an array", splits=True)
                case "=" | "+=":
                    pass
                case _:
                    value = self.words.word(child, frame, depth)
        self.named(name)
        return [Assignment(name, value, exported)]

    def declared(self, node: Node, frame: Frame, depth: int) -> list[Assignment]:
        """The assignments of `export`, `declare` and their kin; what changes how a variable works is a trouble."""
        kind = node.children[0].type
        made: list[Assignment] = []
        for child in node.children[1:]:
            match child.type:
                case "variable_assignment":
                    made.extend(self.assigned(child, frame, depth, exported=kind == "export"))
                case "variable_name":
                    pass
                case "word" if self.words.text(child).startswith("-"):
                    letters = set(self.words.text(child)[1:])
                    if not letters or letters - set("xrgap"):
                        self.words.trouble(f"{kind} {self.words.text(child)} changes how a variable works")
                    if "x" in letters:
                        made = [replace(a, exported=True) for a in made]
                        kind = "export"
                case _:
                    self.words.trouble(f"{kind} of a computed name")
        return made

    def named(self, name: str) -> None:
        """A variable's name must be a plain one."""
        if not name.replace("_", "a").isalnum() or not name.isascii():
            self.words.trouble("a variable's name is not understood")
