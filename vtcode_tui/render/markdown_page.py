"""Markdown as elements of an HTML page, from the same tokens and spans that the screen is drawn from.

Every element and class is ours, every text is escaped, and the only attribute that holds foreign text is the
address of a link, which is http, https or mailto. Of a picture, only what it is called and its address are shown.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from itertools import groupby

from markdown_it.token import Token

from vtcode_tui.render.markdown_layout import code_lines, inline_lines
from vtcode_tui.render.markdown_parse import blocks, settled, with_words
from vtcode_tui.render.safety import plain, plain_line, spans_of
from vtcode_tui.render.types import TEXT, Span

_LINKS = ("http:", "https:", "mailto:")
"""Not file: a page is read elsewhere, too, and some systems sign in at whatever server such an address names."""
_ELEMENTS: Mapping[str, str] = {
    "paragraph": "p",
    "blockquote": "blockquote",
    "bullet_list": "ul",
    "list_item": "li",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
_USUAL = frozenset({"text", "code", "link"})
"""What an element already says."""


def markdown_page(text: str) -> str:
    """A whole Markdown text as HTML, to stand within a page that has a style for its classes."""
    return "".join(_element(token) for token in with_words(blocks(settled(text))))


def text_page(text: str) -> str:
    """A text that is no Markdown as HTML: escaped, and what was made visible stands out."""
    return _spans(spans_of(plain(text)))


def _element(token: Token) -> str:
    kind, _, end = token.type.rpartition("_")
    opens = end == "open"
    match token.type:
        case "inline":
            return "<br>".join(map(_spans, inline_lines(token, TEXT)))
        case "paragraph_open" | "paragraph_close" if token.hidden:
            return "\n"
        case "heading_open" | "heading_close":
            # h1 is the page's title and h2 who speaks.
            heading = f"h{min(6, int(token.tag[1]) + 2)}"
            return f"<{heading}>" if opens else f"</{heading}>\n"
        case "ordered_list_open":
            return f"<ol start={int(token.attrs.get('start', 1))}>"
        case "ordered_list_close":
            return "</ol>\n"
        case "table_open":
            return "<div class=wide><table>\n"
        case "table_close":
            return "</table></div>\n"
        case "th_open" | "td_open":
            align = str(token.attrs.get("style", "")).removeprefix("text-align:")
            return f"<{kind} class={align}>" if align in {"left", "center", "right"} else f"<{kind}>"
        case "fence" | "code_block":
            return _listing(token)
        case "hr":
            return "<hr>\n"
        case _ if kind in _ELEMENTS:
            return f"<{_ELEMENTS[kind]}>" if opens else f"</{_ELEMENTS[kind]}>\n"
        case _:
            return text_page(token.content)


def _listing(token: Token) -> str:
    info = plain_line(token.info).strip()
    head = f"<figcaption>{_spans(spans_of(info))}</figcaption>" if info else ""
    code = "\n".join(_spans(spans, code=True) for spans in code_lines(token))
    # The line feed that a pre begins with is dropped by the browser: it would take the code's own.
    return f"<figure>{head}<pre>\n<code>{code}\n</code></pre></figure>\n"


def _spans(spans: Iterable[Span], *, code: bool = False) -> str:
    """`code` says that all of it stands in a listing."""
    parts = []
    for link, linked in groupby(spans, lambda span: span.style.link):
        text = "".join(_span(span, code=code) for span in linked)
        allowed = link.lower().startswith(_LINKS)
        parts.append(f'<a href="{html.escape(link)}" rel=noreferrer>{text}</a>' if allowed else text)
    return "".join(parts)


def _span(span: Span, *, code: bool) -> str:
    style, shown = span.style, html.escape(span.text)
    if style.name == "escape":
        shown = f"<mark>{shown}</mark>"
    elif style.name not in _USUAL:
        shown = f"<span class={style.name.replace('.', '-')}>{shown}</span>"
    within = {
        "code": style.ground == "code" and not code,
        "strong": style.bold,
        "em": style.italic,
        "s": style.strike,
    }
    for element in (element for element, wanted in within.items() if wanted):
        shown = f"<{element}>{shown}</{element}>"
    return shown
