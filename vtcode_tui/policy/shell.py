"""Shell text to a `Script`, through tree-sitter-bash. A kind of node that is not known here is a trouble.

The walker follows `cd`, loop variables over written lists, and what feeds a command's standard input. Everything
else that a shell may do at run time makes a word uncertain.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Assignment, Feed, Frame, Redirection, Script, Simple
from vtcode_tui.policy.shell_plain import plain_words
from vtcode_tui.policy.shell_quotes import NUMBER, number
from vtcode_tui.policy.shell_redirect import DEEPEST
from vtcode_tui.policy.shell_simple import MOST_COMMANDS, Simples
from vtcode_tui.policy.words import Word, unknown

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST = 100_000
MOST_HEREDOCS = 12
MOST_CHILDREN = 4000
_SPACE = frozenset(" \t\n;&|")


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parse(text: str, folders: tuple[str, ...] | None, home: str) -> Script:
    """Read a shell text. Never raises: what cannot be read is a trouble."""
    if len(text) > LONGEST:
        return Script((), (f"the command has {len(text)} characters, more than {LONGEST}",))
    words = plain_words(text)
    if words is not None:
        return Script((Simple(words, folders=folders, text=text),))
    return parsed(text, folders, home)


def parsed(text: str, folders: tuple[str, ...] | None, home: str) -> Script:
    """What the parser makes of a text of any kind."""
    try:
        source = text.encode()
    except UnicodeEncodeError:
        return Script((), ("the command is not valid Unicode",))
    if text.count("<<") > MOST_HEREDOCS:
        # The grammar's scanner keeps every open here-document in a small buffer of C.
        return Script((), ("the command has too many here-documents",))
    tree = _parser().parse(source)
    root = tree.root_node
    walk = _Walk(source, home)
    if root.has_error:
        walk.trouble("the shell syntax cannot be parsed completely")
        if len(source) > 20_000:
            return Script((), tuple(walk.troubles))
    walk.statements(root, Frame(folders), 0)
    if any(mark in text for mark in _RUNNING):
        walk.everything_was_read(root)
    return Script(tuple(walk.commands), tuple(dict.fromkeys(walk.troubles)), frozenset(walk.functions))


class _Walk(Simples):
    """One pass over a syntax tree; collects commands and troubles."""

    def inner(self, node: Node, frame: Frame, depth: int) -> tuple[tuple[Word, ...], ...]:
        """The commands of a substitution, whose input and output are not the surrounding command's."""
        before = len(self.commands)
        self.statements(node, replace(frame.plain(), piped=True), depth + 1)
        added = self.commands[before:]
        only = node.named_children[0] if node.named_child_count == 1 else None
        parts = only.named_children if only is not None and only.type == "pipeline" else [only]
        plain = len(parts) == len(added) and all(p is not None and p.type == "command" for p in parts)
        return tuple(c.words for c in added) if plain else ()

    def everything_was_read(self, root: Node) -> None:
        """No command hides in a part of the tree that is not walked, or in what the grammar took for plain text."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.child_count > MOST_CHILDREN:
                self.trouble("the command is nested too deeply or has too many parts")
                return
            if node.type == "command" and node.id not in self.seen:
                self.trouble(f"a command stands where none is expected: {self.text(node)[:60]}")
            if node.child_count:
                waiting.extend(node.children)
            elif node.type not in _QUIET and _SUBSTITUTION.search(self.text(node)):
                self.trouble(f"a substitution stands where none is expected: {self.text(node)[:60]}")

    # Statements: each returns what holds after it if it succeeds.

    def statements(self, node: Node, frame: Frame, depth: int) -> Frame:
        """Every statement among the children of a node, one after the other."""
        if depth > DEEPEST or len(self.commands) > MOST_COMMANDS or node.child_count > MOST_CHILDREN:
            self.trouble("the command is nested too deeply or has too many parts")
            return frame
        for child in node.children:
            if child.is_named:
                frame = self._next(child, frame, depth)
        return frame

    def _next(self, node: Node, frame: Frame, depth: int) -> Frame:
        """One statement, and what holds whether it succeeded or not."""
        after = self.statement(node, frame, depth + 1)
        if node.next_sibling is not None and node.next_sibling.type == "&":
            return frame
        return after if node.type in _SURE else self._either(frame, after)

    def statement(self, node: Node, frame: Frame, depth: int) -> Frame:
        """One statement of any kind."""
        # Listing the children of a node takes time that grows with the square of their number.
        if depth > DEEPEST or len(self.commands) > MOST_COMMANDS or node.child_count > MOST_CHILDREN:
            self.trouble("the command is nested too deeply or has too many parts")
            return frame
        match node.type:
            case "command":
                return self.command(node, frame, (), depth)
            case "list":
                return self._list(node, frame, depth)
            case "pipeline":
                return self._pipeline(node, frame, depth)
            case "redirected_statement":
                return self._redirected(node, frame, depth)
            case "variable_assignment" | "variable_assignments":
                return self.assignments(node, frame, depth)
            case "declaration_command" | "unset_command":
                return self.declaration(node, frame, depth)
            case "comment":
                return frame
            case _:
                return self._compound(node, frame, depth)

    def _compound(self, node: Node, frame: Frame, depth: int) -> Frame:
        match node.type:
            case "subshell":
                self.statements(node, frame, depth)
                return frame
            case "compound_statement":
                if node.children and node.children[0].type == "((":
                    self.words.arithmetic(node, frame, depth)
                    return frame
                return self.statements(node, frame, depth)
            case "negated_command" | "do_group" | "else_clause":
                return self.statements(node, frame, depth)
            case "if_statement" | "elif_clause":
                return self._if(node, frame, depth)
            case "while_statement" | "for_statement" | "c_style_for_statement":
                return self._loop(node, frame, depth)
            case "case_statement":
                return self._case(node, frame, depth)
            case "function_definition":
                return self._function(node, frame, depth)
            case "test_command":
                self.test(node, frame, depth)
                return frame
            case "ERROR":
                # What can be recognised is judged all the same: a broken text must not hide what is denied.
                self.trouble("the shell syntax cannot be parsed completely")
                self.statements(node, frame, depth)
                return replace(frame, folders=None)
            case _:
                self.trouble(
                    f"a part of the shell syntax is not understood ({node.type.replace('_', ' ').lower()})"
                )
                return frame

    @staticmethod
    def _either(before: Frame, after: Frame) -> Frame:
        if before.folders == after.folders:
            return before
        if before.folders is None or after.folders is None:
            return replace(before, folders=None)
        both = tuple(dict.fromkeys(before.folders + after.folders))
        return replace(before, folders=both if len(both) <= 8 else None)

    def _loop(self, node: Node, frame: Frame, depth: int) -> Frame:
        match node.type:
            case "while_statement":
                return self._looped(node, frame, self.statements(node, frame, depth))
            case "for_statement":
                return self._for(node, frame, depth)
            case _:
                return self._c_style_for(node, frame, depth)

    def _looped(self, node: Node, before: Frame, after: Frame) -> Frame:
        """After a loop, of which every round but the first starts where the last one ended."""
        if after.folders != before.folders:
            self.trouble(f"a loop changes its folder: {self.text(node)[:40]}")
            return replace(before, folders=None)
        return before

    def _if(self, node: Node, frame: Frame, depth: int) -> Frame:
        condition = frame
        ends: list[Frame] = []
        branch: Frame | None = None
        for child in node.children:
            if child.type == "then":
                branch = condition
            elif child.type in {"elif_clause", "else_clause"}:
                ends.append(self.statement(child, condition, depth + 1))
            elif child.is_named and branch is None:
                condition = self._next(child, condition, depth)
            elif child.is_named and branch is not None:
                branch = self._next(child, branch, depth)
        for end in (*ends, *([branch] if branch is not None else [])):
            condition = self._either(condition, end)
        return self._either(frame, condition)

    def _list(self, node: Node, frame: Frame, depth: int, redirects: tuple[Node, ...] = ()) -> Frame:
        left, right = next(c for c in node.children if c.is_named), node.children[-1]
        succeeded = self.statement(left, frame, depth + 1)
        failed = self._either(frame, succeeded)
        sequel = any(c.type == "||" for c in node.children)
        start = failed if sequel else succeeded
        # A redirection behind a list belongs to the last command in it.
        if redirects:
            after = self._redirected_body(right, start, redirects, depth)
        else:
            after = self.statement(right, start, depth + 1)
        return self._either(succeeded, after) if sequel else after

    def _pipeline(self, node: Node, frame: Frame, depth: int, redirects: tuple[Node, ...] = ()) -> Frame:
        parts = [c for c in node.children if c.is_named]
        leads = bool(node.children) and node.children[0].type in {"|", "|&"}
        source: tuple[tuple[Word, ...], ...] = ()
        for position, child in enumerate(parts):
            feed: Feed = "pipe" if position or leads else frame.feed
            inner = replace(
                frame,
                feed=feed,
                fed=frame.fed if feed == "text" else None,
                piped=position < len(parts) - 1 or frame.piped,
                source=source if position else frame.source,
            )
            if redirects and position == len(parts) - 1:
                self._redirected_body(child, inner, redirects, depth)
            else:
                self.statement(child, inner, depth + 1)
            plain = child.type == "command" and self.commands and (source or not position)
            source = (*source, self.commands[-1].words) if plain else ()
        return frame

    def _for(self, node: Node, frame: Frame, depth: int) -> Frame:
        name, nodes, body = "", [], None
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = self.text(child)
            elif child.type == "do_group":
                body = child
            elif child.is_named:
                nodes.append(child)
        items = self.words.listed(nodes, frame, depth)
        self.variables.named(name)
        if name != name.lower():
            self.add(Simple((), (Assignment(name, unknown(name, "a loop variable"), False),), text=f"for {name}"))
        value = unknown(f"${name}", f"the value of {name} is not known", splits=True)
        keeps = body is not None and self.names.kept_by_loop(name, self.text(body))
        if items and keeps and sum(len(i.options) for i in items) <= 64:
            certain = not any(i.splits and i.value is None and not i.shapes for i in items)
            shapes = tuple(s for i in items for s in i.options)
            if certain and not any(i.splits and any(s.tail == "any" for s in i.shapes) for i in items):
                value = Word(f"${name}", None, shapes, False, f"{name} is a loop variable")
        if len(items) == 1 and items[0].source and keeps:
            value = replace(value, source=items[0].source)
        if body is None:
            return frame
        inside = replace(frame, variables=(*frame.variables, (name, value)))
        return self._looped(node, frame, self.statements(body, inside, depth + 1))

    def _c_style_for(self, node: Node, frame: Frame, depth: int) -> Frame:
        names = [self.text(c.children[0]) for c in node.children if c.type == "variable_assignment" and c.children]
        numbers = tuple((n, number(f"${n}", NUMBER)) for n in names if self.names.counted(n))
        for child in node.children:
            if child.is_named and child.type != "do_group":
                self.words.arithmetic(child, replace(frame, variables=(*frame.variables, *numbers)), depth)
        for child in node.children:
            if child.type in {"do_group", "compound_statement"}:
                inside = replace(frame, variables=(*frame.variables, *numbers))
                frame = self._looped(node, frame, self.statements(child, inside, depth + 1))
        return frame

    def _case(self, node: Node, frame: Frame, depth: int) -> Frame:
        after = frame
        for child in node.children:
            if child.type == "case_item":
                done = frame
                closed = False
                for part in child.children:
                    if part.type == ")":
                        closed = True
                    elif not part.is_named:
                        continue
                    elif closed:
                        done = self._next(part, done, depth)
                    else:
                        self.words.word(part, frame, depth)
                after = self._either(after, done)
            elif child.is_named:
                self.words.word(child, frame, depth)
        return after

    def _function(self, node: Node, frame: Frame, depth: int) -> Frame:
        for child in node.children:
            if child.type == "word":
                self.functions.add(self.text(child))
            elif child.is_named:
                before = len(self.commands)
                # It runs wherever it is called.
                folders = None if self.names.moves else frame.folders
                after = self.statement(child, replace(frame, folders=folders, feed="pipe", fed=None), depth + 1)
                if any(c.words and c.words[0].value in self.functions for c in self.commands[before:]):
                    self.trouble("a function calls itself or another one")
                if after.folders != folders or any(
                    c.words and c.words[0].value in {"cd", "pushd", "popd"} for c in self.commands[before:]
                ):
                    self.trouble("a function changes the folder")
        return frame

    def _redirected(self, node: Node, frame: Frame, depth: int) -> Frame:
        redirects = tuple(c for c in node.children if c.type.endswith("_redirect"))
        bodies = [c for c in node.children if c.is_named and c not in redirects]
        if len(bodies) > 1:
            self.trouble("a redirection is not understood")
        return self._redirected_body(bodies[0] if bodies else None, frame, redirects, depth)

    def _redirected_body(self, body: Node | None, frame: Frame, redirects: tuple[Node, ...], depth: int) -> Frame:
        """A statement with redirections behind it."""
        if body is not None and depth < DEEPEST:
            match body.type:
                case "list":
                    return self._list(body, frame, depth + 1, redirects)
                case "pipeline":
                    return self._pipeline(body, frame, depth + 1, redirects)
                case "negated_command":
                    last = next((c for c in body.children if c.is_named), None)
                    self._redirected_body(last, frame, redirects, depth + 1)
                    return frame
                case _:
                    pass
        inner, redirections, late = self._read_redirects(redirects, frame, depth)
        if body is None or body.type != "command":
            if redirections:
                text = self.text(body if body is not None else redirects[0])
                self.add(Simple((), (), redirections, frame.folders, text=text))
            after = self.statement(body, inner, depth + 1) if body is not None else frame
        else:
            after = self.command(body, inner, redirections, depth)
        for extra in late:
            if extra.type != "file_redirect":
                after = self.statement(extra, after.plain(), depth + 1)
        return replace(frame, folders=after.folders)

    def _read_redirects(
        self, nodes: tuple[Node, ...], frame: Frame, depth: int
    ) -> tuple[Frame, tuple[Redirection, ...], list[Node]]:
        """What the body reads, the files, and the statements that stand behind a here-document's beginning."""
        redirections: list[Redirection] = []
        inner = frame
        late: list[Node] = []
        for child in nodes:
            match child.type:
                case "file_redirect":
                    redirections.extend(self.redirects.file(child, frame, depth))
                    if redirections and redirections[-1].operator in {"<", "<>"}:
                        inner = replace(inner, feed="file", fed=redirections[-1].target)
                case "heredoc_redirect":
                    inner = replace(inner, feed="text", fed=self.redirects.heredoc(child, frame, depth, late))
                    if any(n.type == "pipeline" for n in late):
                        inner = replace(inner, piped=True)
                    redirections.extend(
                        r for n in late if n.type == "file_redirect" for r in self.redirects.file(n, frame, depth)
                    )
                case _:
                    inner = replace(inner, feed="text", fed=self.redirects.herestring(child, frame, depth))
        return inner, tuple(redirections), late


_RUNNING = ("$(", "`", "<(", ">(")
_SUBSTITUTION = re.compile(r"(?<!\\)(?:\\\\)*(?:`|\$\()")
_QUIET = frozenset(
    {"raw_string", "ansi_c_string", "comment", "heredoc_body", "heredoc_content", "$(", "`", "$((", "heredoc_start"}
)
"""Leaves of the tree in which nothing is substituted, and the marks of a substitution themselves."""
_SURE = frozenset({"variable_assignment", "variable_assignments", "declaration_command", "compound_statement"})
"""Statements after which the shell's variables are what they say."""
