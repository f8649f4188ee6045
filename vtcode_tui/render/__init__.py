"""Events as lines of styled text, with every hostile byte made visible. No textual here.

`Line`, `Span` and `Style` are what panes draw; `plain` and `visible` make foreign text safe; `MarkdownStream`,
the diff views and the blocks turn what happens into lines. Each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.render.chronicle import lines_of as lines_of
    from vtcode_tui.render.chronicle import sentence as sentence
    from vtcode_tui.render.chronicle import timeline as timeline
    from vtcode_tui.render.chronicle import timeline_text as timeline_text
    from vtcode_tui.render.colours import DARK as DARK
    from vtcode_tui.render.colours import LIGHT as LIGHT
    from vtcode_tui.render.colours import Colours as Colours
    from vtcode_tui.render.diff import DiffLine as DiffLine
    from vtcode_tui.render.diff import DiffView as DiffView
    from vtcode_tui.render.diff_rows import FileDiff as FileDiff
    from vtcode_tui.render.diff_rows import parse_unified as parse_unified
    from vtcode_tui.render.markdown_page import markdown_page as markdown_page
    from vtcode_tui.render.markdown_page import text_page as text_page
    from vtcode_tui.render.markdown_stream import CodeBlock as CodeBlock
    from vtcode_tui.render.markdown_stream import MarkdownStream as MarkdownStream
    from vtcode_tui.render.markdown_stream import code_blocks as code_blocks
    from vtcode_tui.render.markdown_stream import markdown as markdown
    from vtcode_tui.render.outlet import Outlet as Outlet
    from vtcode_tui.render.outlet import json_for as json_for
    from vtcode_tui.render.outlet import text_for as text_for
    from vtcode_tui.render.safety import invisible as invisible
    from vtcode_tui.render.safety import link_target as link_target
    from vtcode_tui.render.safety import plain as plain
    from vtcode_tui.render.safety import plain_bytes as plain_bytes
    from vtcode_tui.render.safety import plain_line as plain_line
    from vtcode_tui.render.safety import spans_of as spans_of
    from vtcode_tui.render.safety import visible as visible
    from vtcode_tui.render.syntax import highlight as highlight
    from vtcode_tui.render.syntax import lexer_for as lexer_for
    from vtcode_tui.render.syntax import lexer_named as lexer_named
    from vtcode_tui.render.telling import TELLERS as TELLERS
    from vtcode_tui.render.telling import Told as Told
    from vtcode_tui.render.telling import told as told
    from vtcode_tui.render.types import MUTED as MUTED
    from vtcode_tui.render.types import TEXT as TEXT
    from vtcode_tui.render.types import Ground as Ground
    from vtcode_tui.render.types import Line as Line
    from vtcode_tui.render.types import Span as Span
    from vtcode_tui.render.types import Style as Style
    from vtcode_tui.render.types import StyleName as StyleName
    from vtcode_tui.render.types import line as line
    from vtcode_tui.render.types import text_of as text_of
    from vtcode_tui.render.wrap import cut as cut
    from vtcode_tui.render.wrap import cut_spans as cut_spans
    from vtcode_tui.render.wrap import fold as fold
    from vtcode_tui.render.wrap import hard_fold as hard_fold
    from vtcode_tui.render.wrap import pad as pad
    from vtcode_tui.render.wrap import split_at as split_at
    from vtcode_tui.render.wrap import width as width
    from vtcode_tui.render.wrap import width_of as width_of

_HOMES = {
    "chronicle": ("lines_of", "sentence", "timeline", "timeline_text"),
    "colours": ("DARK", "LIGHT", "Colours"),
    "diff": ("DiffLine", "DiffView"),
    "diff_rows": ("FileDiff", "parse_unified"),
    "markdown_page": ("markdown_page", "text_page"),
    "markdown_stream": ("CodeBlock", "MarkdownStream", "code_blocks", "markdown"),
    "outlet": ("Outlet", "json_for", "text_for"),
    "safety": ("invisible", "link_target", "plain", "plain_bytes", "plain_line", "spans_of", "visible"),
    "syntax": ("highlight", "lexer_for", "lexer_named"),
    "telling": ("TELLERS", "Told", "told"),
    "types": ("MUTED", "TEXT", "Ground", "Line", "Span", "Style", "StyleName", "line", "text_of"),
    "wrap": ("cut", "cut_spans", "fold", "hard_fold", "pad", "split_at", "width", "width_of"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    try:
        module = import_module(f"{__name__}.{_HOME[name]}")
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = globals()[name] = getattr(module, name)
    return value
