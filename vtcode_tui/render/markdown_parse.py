"""Markdown as tokens, and no word left out: what is nested too deep, or stands right of a table, is text."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block, table
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_DEEPEST = 16
"""Blocks within blocks; what is deeper markdown-it skips without a word."""


def settled(text: str) -> str:
    """The text with line feeds as its only line ends. What a parser takes for one, or drops, is made visible."""
    return text.replace("\r\n", "\n").replace("\r", "␍").replace("\0", "␀")


def blocks(text: str) -> list[Token]:
    """The blocks of a settled text; the words within them are not parsed yet."""
    return _parser("normalize", "block").parse(text)


def with_words(tokens: list[Token]) -> list[Token]:
    """The same blocks with what is in their words: emphasis, code, links, images."""
    parser = _parser("inline", "text_join")
    parser.core.process(StateCore("", parser, {}, tokens))
    return tokens


@lru_cache(maxsize=2)
def _parser(*rules: str) -> MarkdownIt:
    """A parser of which only some steps are done: blocks first, the words within them when they are laid out."""
    # No raw HTML (it is text), and no link references: a definition may come after what it changes.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.disable(["reference", "html_block", "html_inline"])
    parser.core.ruler.enableOnly(list(rules))
    ruler = parser.block.ruler
    ruler.at("blockquote", _quote, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    ruler.at("list", _list, {"alt": ["paragraph", "reference", "blockquote"]})
    ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    return parser


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level + 1 < _DEEPEST and blockquote(state, start, end, silent)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level + 2 < _DEEPEST and list_block(state, start, end, silent)


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table. Cells for which it has no column, which markdown-it drops, stand in the last one."""
    before = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    made = state.tokens[before:]
    columns = sum(token.type == "th_open" for token in made)
    last: Token | None = None
    for token in made:
        if token.type == "inline":
            last = token
        elif token.type == "tr_close" and last is not None and last.map:
            cells = _cells(getLine(state, last.map[0]))
            if len(cells) > columns:
                last.content = " | ".join(cells[columns - 1 :])
    return True


def _cells(row: str) -> list[str]:
    """The cells of a row as written; what stands left of the first bar and right of the last is none if empty."""
    cells = escapedSplit(row.strip())
    if cells[0] == "":
        cells.pop(0)
    if cells and cells[-1] == "":
        cells.pop()
    return [cell.strip() for cell in cells]
