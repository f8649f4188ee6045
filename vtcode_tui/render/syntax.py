"""Source code as styled lines, by pygments; loaded when the first code block is drawn."""

from __future__ import annotations

import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

from pygments.lexer import ExtendedRegexLexer, RegexLexer
from pygments.lexers import get_all_lexers, get_lexer_by_name, get_lexer_for_filename
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

from vtcode_tui.render.types import Ground, Span, Style, StyleName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pygments.lexer import Lexer

Stack = tuple[str, ...]
"""Where a lexer stands between two lines: its stack of states."""

START: Stack = ("root",)

_MOST = 6_000
"""Characters lexed in one go: some lexers take quadratic time on text made for it. Longer pieces are plain code."""

_LEXER_FAULTS = (LookupError, ValueError, AssertionError, TypeError, AttributeError, RecursionError)
"""What hundreds of third-party lexers may raise on hostile text; then the code is shown without colours."""

_STYLES: tuple[tuple[_TokenType, StyleName], ...] = (
    (Token.Keyword.Constant, "syntax.constant"),
    (Token.Keyword.Type, "syntax.type"),
    (Token.Keyword, "syntax.keyword"),
    (Token.Operator.Word, "syntax.keyword"),
    (Token.Name.Builtin, "syntax.type"),
    (Token.Name.Class, "syntax.type"),
    (Token.Name.Exception, "syntax.type"),
    (Token.Name.Decorator, "syntax.decorator"),
    (Token.Name.Constant, "syntax.constant"),
    (Token.Name.Function, "syntax.name"),
    (Token.Name.Tag, "syntax.name"),
    (Token.Name.Attribute, "syntax.name"),
    (Token.Comment.Preproc, "syntax.decorator"),
    (Token.Comment, "syntax.comment"),
    (Token.Literal.String, "syntax.string"),
    (Token.Literal.Number, "syntax.number"),
    (Token.Literal, "syntax.constant"),
    (Token.Operator, "syntax.operator"),
    (Token.Generic.Deleted, "removed"),
    (Token.Generic.Inserted, "added"),
    (Token.Generic.Heading, "heading"),
    (Token.Generic.Subheading, "hunk"),
)


@lru_cache(maxsize=512)
def _style(token: _TokenType, ground: Ground) -> Style:
    for kind, name in _STYLES:
        if token[: len(kind)] == kind:
            return Style(name, ground)
    return Style("text", ground)


_COMPILING = threading.RLock()
"""A lexer compiles its rules when it is first made, and two threads that make it at once would mix them up."""
_MOST_NAMES = 256
_known: dict[str, bool] = {}
"""By name: whether the rules of a language have been compiled, or are still on the way."""


def known(language: str) -> bool:
    """Whether code in a language can be coloured at once; if not, a thread compiles its rules from now on."""
    name = language.strip().lower()
    if name not in _known and len(_known) < _MOST_NAMES:
        _known[name] = False
        threading.Thread(target=_learn, args=(name,), name="compiling a lexer", daemon=True).start()
    return _known.get(name, True)


def _learn(name: str) -> None:
    try:
        lexer_named(name)
    finally:
        _known[name] = True


@lru_cache(maxsize=64)
def lexer_named(language: str) -> Lexer | None:
    """The lexer for a language name or a file name's ending; None when there is none."""
    name = language.strip().lower()
    if not name or name in {"text", "txt", "plain", "plaintext", "output"}:
        return None
    try:
        with _COMPILING:
            return get_lexer_by_name(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@cache
def _languages() -> Mapping[str, str]:
    """The language of each pattern of file names (`*.py`, `Makefile`) that one lexer alone claims."""
    claims: dict[str, set[str]] = {}
    for _name, aliases, patterns, _types in get_all_lexers(plugins=False):
        for pattern in patterns:
            claims.setdefault(pattern, set()).update(aliases[:1] or ("",))
    return {pattern: language for pattern, (language, *others) in claims.items() if language and not others}


@lru_cache(maxsize=64)
def lexer_for(filename: str) -> Lexer | None:
    """The lexer for a file of this name, by its name only; None when there is none."""
    # pygments tries a thousand patterns, and imports every lexer of those that match, which takes up to 0.2 s.
    name, languages = filename.rpartition("/")[2], _languages()
    _, *endings = name.split(".")
    patterns = (name, *("*." + ".".join(endings[first:]) for first in range(len(endings))))
    language = next((languages[pattern] for pattern in patterns if pattern in languages), None)
    if language is not None:
        return lexer_named(language)
    try:
        with _COMPILING:
            return get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _definitions(lexer: RegexLexer) -> Mapping[str, Sequence[tuple[Any, Any, Any]]]:
    """The compiled rules: state -> (match, action, following state)."""
    rules: Mapping[str, Sequence[tuple[Any, Any, Any]]] = cast("Any", lexer)._tokens
    return rules


def _following(stack: list[str], change: object) -> None:
    """Move a stack of states as a rule says: push names, `#pop`, `#push`, or pop a number."""
    match change:
        case tuple():
            for step in change:
                _following(stack, step)
        case "#pop":
            if len(stack) > 1:
                stack.pop()
        case "#push":
            stack.append(stack[-1])
        case str():
            stack.append(change)
        case int():
            del stack[max(1, len(stack) + change) :]


def _resumable(lexer: RegexLexer, text: str, stack: list[str]) -> Iterator[tuple[_TokenType, str]]:
    """Lex like RegexLexer does, but from any stack of states, leaving in `stack` where it ended.

    pygments can begin in a given state and does not tell in which one it ended; long code is lexed in pieces.
    """
    definitions = _definitions(lexer)
    position = 0
    while position < len(text):
        for match_at, action, change in definitions[stack[-1]]:
            found = match_at(text, position)
            if not found:
                continue
            if action is not None:
                if isinstance(action, _TokenType):
                    yield action, found.group()
                else:
                    for _, token, piece in action(lexer, found):
                        yield token, piece
            position = found.end()
            if change is not None:
                _following(stack, change)
            break
        else:
            if text[position] == "\n":
                stack[:] = START
                yield Token.Text, "\n"
            else:
                yield Token.Error, text[position]
            position += 1


def highlight(
    lines: list[str], lexer: Lexer | None, stack: Stack = START, *, ground: Ground = "code"
) -> tuple[list[tuple[Span, ...]], Stack]:
    """Each line as spans, and the state in which the lines that follow must be lexed.

    `lines` are safe already (see `plain`) and hold no line ends. Without a lexer they are plain code.
    """
    if lexer is None:
        style = Style("code", ground)
        return [(Span(text, style),) if text else () for text in lines], stack
    text = "\n".join(lines) + "\n"
    if len(text) > _MOST:
        return highlight(lines, None, START, ground=ground)
    states = list(stack)
    try:
        return _styled(lines, _tokens(lexer, text, states), ground), tuple(states)
    except _LEXER_FAULTS:
        return highlight(lines, None, START, ground=ground)


def _tokens(lexer: Lexer, text: str, states: list[str]) -> Iterator[tuple[_TokenType, str]]:
    if isinstance(lexer, RegexLexer) and not isinstance(lexer, ExtendedRegexLexer) and _plain_loop(lexer):
        if states[-1] not in _definitions(lexer):
            states[:] = START
        return _resumable(lexer, text, states)
    return ((token, value) for _, token, value in lexer.get_tokens_unprocessed(text))


def _styled(lines: list[str], tokens: Iterator[tuple[_TokenType, str]], ground: Ground) -> list[tuple[Span, ...]]:
    rows: list[tuple[Span, ...]] = []
    row: list[Span] = []
    for token, value in tokens:
        style = _style(token, ground)
        first, *rest = value.split("\n")
        if first:
            _join(row, first, style)
        for part in rest:
            rows.append(tuple(row))
            row = [Span(part, style)] if part else []
    if row:
        rows.append(tuple(row))
    missing = len(lines) - len(rows)
    return rows[: len(lines)] + [()] * missing


def _plain_loop(lexer: RegexLexer) -> bool:
    return type(lexer).get_tokens_unprocessed is RegexLexer.get_tokens_unprocessed


def _join(row: list[Span], text: str, style: Style) -> None:
    if row and row[-1].style == style:
        row[-1] = Span(row[-1].text + text, style)
    else:
        row.append(Span(text, style))
