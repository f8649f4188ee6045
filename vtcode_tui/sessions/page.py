"""A session's conversation as one HTML page that stands alone: no scripts, and nothing from elsewhere.

Answers and summaries are Markdown; what a person wrote, what was thought and what tools said stands as it came.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence

from vtcode_tui.render import DARK, LIGHT, Colours, markdown_page, plain_line, text_page
from vtcode_tui.sessions.conversation import author_of
from vtcode_tui.sessions.exporting import spoken
from vtcode_tui.sessions.items import Item
from vtcode_tui.sessions.store import Meta

_LAYOUT = """\
:root{color-scheme:light dark}
body{max-width:52rem;margin:2rem auto;padding:0 1rem;font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .3rem}
h2{font-size:1rem;margin:2.2rem 0 .6rem;padding-bottom:.2rem;border-bottom:1px solid}
h3{font-size:1.3rem}h4{font-size:1.15rem}h5,h6{font-size:1rem}
h3,h4,h5,h6{line-height:1.3;margin:1.4rem 0 .5rem}
p,ul,ol,blockquote,figure,.wide{margin:.7rem 0}
ul,ol{padding-left:1.6rem}li{margin:.2rem 0}li>ul,li>ol{margin:.2rem 0}
blockquote{padding-left:.9rem;border-left:3px solid}
pre,code{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.875rem}
pre{margin:.7rem 0;padding:.7rem .9rem;border-radius:4px;white-space:pre-wrap;line-height:1.45}
pre code{padding:0}code{padding:.1em .3em;border-radius:3px}
figure pre{margin:0}figcaption{padding:.5rem .9rem 0;font-size:.8rem;border-radius:4px 4px 0 0}
figcaption+pre{border-radius:0 0 4px 4px;padding-top:.2rem}
.wide{overflow-x:auto}table{border-collapse:collapse}
th,td{padding:.3rem .7rem;border:1px solid;text-align:left;vertical-align:top;overflow-wrap:normal}
td.right,th.right{text-align:right}td.center,th.center{text-align:center}
hr{border:0;border-top:1px solid;margin:1.5rem 0}
mark{padding:0 .15em;border-radius:2px}
.said,.thought{white-space:pre-wrap}.said{padding:.6rem .9rem;border-radius:4px}
.tool{margin-bottom:.3rem}.output{max-height:24rem;overflow-y:auto}
@media print{.output{max-height:none}}
"""


def _declarations(look: str) -> str:
    """A look (see `Colours`) as CSS."""
    css, ground = "", False
    for word in look.split():
        match word:
            case "on":
                ground = True
            case "bold":
                css += "font-weight:bold;"
            case "italic":
                css += "font-style:italic;"
            case "underline":
                css += "text-decoration:underline;"
            case colour:
                css += f"{'background' if ground else 'color'}:{colour};"
    return css


def _palette(colours: Colours) -> str:
    names, code, rule = colours.names, colours.grounds["code"], colours.names["rule"]
    own = {
        "body": f"{colours.text} on {colours.ground}",
        "a": names["link"],
        "mark": names["escape"],
        "code,pre,figcaption": f"{names['code']} {code}",
        "figcaption,.meta": names["muted"],
        "blockquote": names["quote"],
        "h1,h3,h4,h5,h6": names["heading"],
        "h2": names["accent"],
        "b": names["accent"],
        ".said": f"{names['human']} {colours.grounds['human']}",
    }
    looks = own | {f".{name.replace('.', '-')}": look for name, look in names.items() if name != "escape"}
    rules = "".join(f"{selector}{{{_declarations(look)}}}\n" for selector, look in looks.items())
    return f"{rules}h2,hr,th,td,blockquote{{border-color:{rule}}}\n"


_STYLE = f"{_LAYOUT}{_palette(LIGHT)}@media(prefers-color-scheme:dark){{\n{_palette(DARK)}}}\n"
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEAD = (
    "<meta charset=utf-8>"
    # This one style, and nothing else: no script, no picture, no request, whatever the text beneath says.
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
    f"style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'\">"
    # Nor does anybody learn of the page by the addresses in it: no name is looked up before a click.
    "<meta name=referrer content=no-referrer><meta http-equiv=x-dns-prefetch-control content=off>"
    '<meta name=viewport content="width=device-width,initial-scale=1">'
)


def to_html(meta: Meta, items: Sequence[Item]) -> str:
    """One page without scripts and without anything from elsewhere, light or dark as the reader's system is."""
    title = plain_line(meta.title or meta.id)
    rows = "\n".join((f"<h2>{_line(who)}</h2>\n" if who else "") + _row(item) for who, item in spoken(items))
    head = f"<head>{_HEAD}<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
    top = f"<h1>{_line(title)}</h1>\n<p class=meta>{_line(meta.workspace)}, {_line(meta.started)}</p>"
    return f"<!doctype html>\n<html lang=en>{head}\n<body>{top}\n{rows}\n</body></html>\n"


def _line(text: str) -> str:
    return text_page(plain_line(text))


def _row(item: Item) -> str:
    match item.kind:
        case "text" if item.role == "assistant" and author_of(item) == "prompt":
            return markdown_page(item.body)
        case "text":
            return f"<div class=said>{text_page(item.body)}</div>"
        case "thinking":
            return f"<div class=thought>{text_page(item.body)}</div>" if item.body else ""
        case "tool_use":
            name = _line(str(item.facts.get("name")))
            return f"<p class=tool><b>{name}</b></p>\n{_output(item.body)}"
        case "tool_result":
            return _output(item.body)
        case "image":
            return f"<p class=muted>[image, {_line(str(item.facts.get('media_type')))}]</p>"
        case "summary":
            return f"<h2>Summary of what came before</h2>\n{markdown_page(item.body)}"
        case "rewind" | "note":
            return f"<p class=muted>{text_page(item.body)}</p>"


def _output(body: str) -> str:
    # A browser drops the line feed that a pre begins with: this one, and none of the body's.
    return f"<pre class=output>\n{text_page(body)}</pre>"
