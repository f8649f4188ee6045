"""Shell text to a `Script`, through tree-sitter-bash. A kind of node that is not known here is a trouble.

The walker follows `cd`, loop variables over written lists, and what feeds a command's standard input. Everything
else that a shell may do at run time makes a word uncertain.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from vtcode_tui.policy.script import Assignment, Feed, Frame, Redirection, Script, Simple
from vtcode_tui.policy.shell_redirect import DEEPEST, Redirects
from vtcode_tui.policy.shell_variables import Variables
from vtcode_tui.policy.shell_words import NUMBER, WordReader
from vtcode_tui.policy.words import Shape, Word, literal, unknown

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LONGEST = 100_000
MOST_COMMANDS = 400
MOST_HEREDOCS = 12
MOST_CHILDREN = 4000
_SPACE = frozenset(" \t\n;&|")
_REBINDING = ("read ", "mapfile", "readarray", "printf -v", "getopts", "eval", "source", "declare -n", "local -n")


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parse(text: str, folders: tuple[str, ...] | None, home: str) -> Script:
    """Read a shell text. Never raises: what cannot be read is a trouble."""
    if len(text) > LONGEST:
        return Script((), (f"the command has {len(text)} characters, more than {LONGEST}",))
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
    return Script(tuple(walk.commands), tuple(dict.fromkeys(walk.troubles)), frozenset(walk.functions))


class _Walk:
    """One pass over a syntax tree; collects commands and troubles."""

    def __init__(self, source: bytes, home: str) -> None:
        self.source = source
        self.home = home
        self.commands: list[Simple] = []
        self.troubles: list[str] = []
        self.functions: set[str] = set()
        self.words = WordReader(source, home, self.trouble, self._inner)
        self.redirects = Redirects(self.words)
        self.variables = Variables(self.words)
        text = source.decode()
        self.rebinds = any(word in text for word in _REBINDING)

    def trouble(self, reason: str) -> None:
        """Note something that only a person should judge."""
        self.troubles.append(reason)

    def _inner(self, node: Node, frame: Frame, depth: int) -> None:
        self.statements(node, replace(frame.plain(), piped=True), depth + 1)

    # Statements: each returns the frame that the next statement starts from.

    def statements(self, node: Node, frame: Frame, depth: int) -> Frame:
        """Every statement among the children of a node, one after the other."""
        if depth > DEEPEST or len(self.commands) > MOST_COMMANDS or node.child_count > MOST_CHILDREN:
            self.trouble("the command is nested too deeply or has too many parts")
            return frame
        for child in node.children:
            if child.is_named:
                frame = self.statement(child, frame, depth + 1)
        return frame

    def statement(self, node: Node, frame: Frame, depth: int) -> Frame:
        """One statement of any kind."""
        # Listing the children of a node takes time that grows with the square of their number.
        if depth > DEEPEST or len(self.commands) > MOST_COMMANDS or node.child_count > MOST_CHILDREN:
            self.trouble("the command is nested too deeply or has too many parts")
            return frame
        match node.type:
            case "command":
                return self._command(node, frame, (), depth)
            case "list":
                return self._list(node, frame, depth)
            case "pipeline":
                return self._pipeline(node, frame, depth)
            case "redirected_statement":
                return self._redirected(node, frame, depth)
            case "variable_assignment" | "variable_assignments":
                return self._assignments(node, frame, depth)
            case "declaration_command" | "unset_command":
                return self._declaration(node, frame, depth)
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
            case "if_statement" | "elif_clause" | "while_statement":
                after = self.statements(node, frame, depth)
                return self._either(frame, after)
            case "for_statement":
                return self._for(node, frame, depth)
            case "c_style_for_statement":
                return self._c_style_for(node, frame, depth)
            case "case_statement":
                return self._case(node, frame, depth)
            case "function_definition":
                return self._function(node, frame, depth)
            case "test_command":
                self._test(node, frame, depth)
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

    def _list(self, node: Node, frame: Frame, depth: int) -> Frame:
        operator = ""
        start = frame
        for child in node.children:
            if not child.is_named:
                operator = child.type
                continue
            after = self.statement(child, frame, depth + 1)
            # After `a && b`, b runs in a's folder; after `a || b` it may not.
            frame = after if operator != "||" else self._either(frame, after)
        return self._either(start, frame) if operator == "||" else frame

    def _pipeline(self, node: Node, frame: Frame, depth: int) -> Frame:
        parts = [c for c in node.children if c.is_named]
        leads = bool(node.children) and node.children[0].type in {"|", "|&"}
        source: tuple[Word, ...] = ()
        for position, child in enumerate(parts):
            feed: Feed = "pipe" if position or leads else frame.feed
            inner = replace(
                frame,
                feed=feed,
                fed=frame.fed if feed == "text" else None,
                piped=position < len(parts) - 1 or frame.piped,
                source=source if position else frame.source,
            )
            self.statement(child, inner, depth + 1)
            source = self.commands[-1].words if child.type == "command" and self.commands else ()
        return frame

    def _for(self, node: Node, frame: Frame, depth: int) -> Frame:
        name, items, body = "", [], None
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = self._text(child)
            elif child.type == "do_group":
                body = child
            elif child.is_named:
                items.append(self.words.word(child, frame, depth))
        self.variables.named(name)
        if name != name.lower():
            self._add(Simple((), (Assignment(name, unknown(name, "a loop variable"), False),), text=f"for {name}"))
        value = unknown(f"${name}", f"the value of {name} is not known", splits=True)
        if items and not self.rebinds and sum(len(i.options) for i in items) <= 64:
            certain = not any(i.splits and i.value is None and not i.shapes for i in items)
            shapes = tuple(s for i in items for s in i.options)
            if certain and not any(i.splits and any(s.tail == "any" for s in i.shapes) for i in items):
                value = Word(f"${name}", None, shapes, False, f"{name} is a loop variable")
        if body is None:
            return frame
        inside = replace(frame, variables=(*frame.variables, (name, value)))
        after = self.statements(body, inside, depth + 1)
        if after.folders != frame.folders:
            # A second round would start where the first one ended.
            return replace(frame, folders=None)
        return frame

    def _c_style_for(self, node: Node, frame: Frame, depth: int) -> Frame:
        names = [self._text(c.children[0]) for c in node.children if c.type == "variable_assignment" and c.children]
        numbers = tuple((n, Word(f"${n}", None, (Shape("0"),), False, NUMBER)) for n in names)
        for child in node.children:
            if child.is_named and child.type != "do_group":
                self.words.arithmetic(child, replace(frame, variables=(*frame.variables, *numbers)), depth)
        for child in node.children:
            if child.type in {"do_group", "compound_statement"}:
                self.statements(child, replace(frame, variables=(*frame.variables, *numbers)), depth + 1)
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
                        done = self.statement(part, done, depth + 1)
                    else:
                        self.words.word(part, frame, depth)
                after = self._either(after, done)
            elif child.is_named:
                self.words.word(child, frame, depth)
        return after

    def _function(self, node: Node, frame: Frame, depth: int) -> Frame:
        for child in node.children:
            if child.type == "word":
                self.functions.add(self._text(child))
            elif child.is_named:
                before = len(self.commands)
                after = self.statement(child, replace(frame, feed="pipe", fed=None), depth + 1)
                if any(c.words and c.words[0].value in self.functions for c in self.commands[before:]):
                    self.trouble("a function calls itself or another one")
                if after.folders != frame.folders:
                    frame = replace(frame, folders=None)
        return frame

    def _test(self, node: Node, frame: Frame, depth: int) -> None:
        words = [literal("test")]
        waiting = [c for c in reversed(node.children) if c.is_named]
        double = self._text(node).startswith("[[")
        while waiting:
            part = waiting.pop()
            if part.type in {
                "binary_expression",
                "unary_expression",
                "parenthesized_expression",
                "ternary_expression",
            }:
                if double and any(c.type == "test_operator" and self._text(c) in _NUMERIC for c in part.children):
                    self.words.arithmetic(part, frame, depth)
                    continue
                waiting.extend(c for c in reversed(part.children) if c.is_named)
            elif part.type == "test_operator":
                words.append(literal(self._text(part)))
            elif part.type in {"regex", "extglob_pattern"}:
                if "$(" in self._text(part) or "`" in self._text(part):
                    self.trouble("a pattern runs a command")
            else:
                words.append(self.words.word(part, frame, depth))
        self._add(Simple(tuple(words), folders=frame.folders, text=self._text(node)))

    # Commands.

    def _redirected(self, node: Node, frame: Frame, depth: int) -> Frame:
        redirections: list[Redirection] = []
        inner = frame
        body: Node | None = None
        late: list[Node] = []
        for child in node.children:
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
                case "herestring_redirect":
                    inner = replace(inner, feed="text", fed=self.redirects.herestring(child, frame, depth))
                case _ if child.is_named:
                    body = child
                case _:
                    pass
        if body is None or body.type != "command":
            if redirections:
                self._add(Simple((), (), tuple(redirections), frame.folders, text=self._text(node)))
            after = self.statement(body, inner, depth + 1) if body is not None else frame
        else:
            after = self._command(body, inner, tuple(redirections), depth)
        for extra in late:
            if extra.type != "file_redirect":
                after = self.statement(extra, after.plain(), depth + 1)
        return replace(frame, folders=after.folders)

    def _command(self, node: Node, frame: Frame, redirections: tuple[Redirection, ...], depth: int) -> Frame:
        words: list[Word] = []
        assignments: list[Assignment] = []
        more = list(redirections)
        feed, fed = frame.feed, frame.fed
        for child in node.children:
            match child.type:
                case "command_name":
                    words.append(self.words.word(child.children[0], frame, depth))
                case "variable_assignment":
                    assignments.extend(self.variables.assigned(child, frame, depth, exported=True))
                case "file_redirect":
                    more.extend(self.redirects.file(child, frame, depth))
                    if more and more[-1].operator in {"<", "<>"}:
                        feed, fed = "file", more[-1].target
                case "herestring_redirect":
                    feed, fed = "text", self.redirects.herestring(child, frame, depth)
                case "$" | "==" | "=~":
                    if child.type != "$":
                        words.append(literal(child.type))
                case "subshell":
                    self.trouble("a subshell stands where an argument should")
                    self.statements(child, frame, depth)
                case _:
                    words.append(self.words.word(child, frame, depth))
        simple = Simple(
            tuple(words), tuple(assignments), tuple(more), frame.folders, feed, fed, frame.piped, self._text(node),
            frame.source,
        )  # fmt: skip
        self._add(simple)
        return self._moved(simple, frame)

    def _moved(self, simple: Simple, frame: Frame) -> Frame:
        """Where the shell stands after a command that may be `cd`."""
        name = simple.words[0].value if simple.words else ""
        if name in {"popd", "eval", "source", ".", "builtin", "command"} and any(
            w.value in {None, "cd", "pushd", "popd"} for w in simple.words
        ):
            return replace(frame, folders=None)
        if name in self.functions:
            return frame
        if name not in {"cd", "pushd"}:
            return frame
        given = [w for w in simple.words[1:] if w.value not in {"-P", "-L", "-e", "--"}]
        if not given:
            return replace(frame, folders=(self.home,))
        target = given[0]
        if len(given) > 1 or target.value is None or target.value.startswith("-") or frame.folders is None:
            return replace(frame, folders=None)
        if target.value.startswith("/"):
            return replace(frame, folders=(target.value,))
        return replace(frame, folders=tuple(f"{folder.rstrip('/')}/{target.value}" for folder in frame.folders))

    def _assignments(self, node: Node, frame: Frame, depth: int) -> Frame:
        nodes = [node] if node.type == "variable_assignment" else [c for c in node.children if c.is_named]
        made = [a for n in nodes for a in self.variables.assigned(n, frame, depth, exported=False)]
        self._add(Simple((), tuple(made), (), frame.folders, text=self._text(node)))
        return frame

    def _declaration(self, node: Node, frame: Frame, depth: int) -> Frame:
        made = self.variables.declared(node, frame, depth)
        self._add(Simple((), tuple(made), (), frame.folders, text=self._text(node)))
        return frame

    def _add(self, simple: Simple) -> None:
        if len(self.commands) > MOST_COMMANDS:
            self.trouble("the command is nested too deeply or has too many parts")
            return
        self.commands.append(simple)

    def _text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode()


_NUMERIC = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
