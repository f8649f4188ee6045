"""A whole session in forms that others read: asciicast, SVG, ATIF, HTML; made by the real program of a real run."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.agent.stage import staged
from tests.amount import examples
from vtcode_tui.cli import main
from vtcode_tui.demo import Step
from vtcode_tui.sessions import Item, Meta, to_html, to_markdown
from vtcode_tui.sessions.items import Kind, Role
from vtcode_tui.terminal import Screen

HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
ACTING = {"html_block", "html_inline", "link_open", "image"}

HOSTILE = "<script>alert(1)</script> \x1b]52;c;aGk=\x07"


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session with one run in a terminal and a hostile answer."""
    steps = [Step("", (("run_command", {"command": "printf 'one\\ntwo\\n'"}),)), Step(f"said {HOSTILE}")]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("say hello")
        made, home = stage.session.folder, stage.home
    monkeypatch.setenv("VTCODE_HOME", str(home.state.parent if home.state.name == "state" else home.state))
    return made


def exported(folder: Path, form: str, tmp_path: Path) -> str:
    file = tmp_path / f"out.{form}"
    assert main(["sessions", "export", str(folder), "--format", form, "--output", str(file)]) == 0
    return file.read_text(encoding="utf-8")


async def test_the_terminals_of_a_session_are_one_recording_that_players_open(folder: Path, tmp_path: Path) -> None:
    header, *moments = map(json.loads, exported(folder, "cast", tmp_path).splitlines())
    assert header["version"] == 2, "the last that asciinema 2 plays"
    assert [text for _, code, text in moments if code == "m"] == ["say hello", "printf 'one\\ntwo\\n'"]
    assert (times := [at for at, *_ in moments]) == sorted(times)
    screen = Screen(header["width"], header["height"])
    for _, code, text in moments:
        if code == "o":
            screen.feed(text.encode())
    shown = [screen.text(y).rstrip() for y in range(screen.history + 6)]
    assert shown[:5] == ["$ printf 'one\\ntwo\\n'", "one", "two", "", "[exit 0]"]


def test_the_screen_of_a_session_is_a_picture_without_anything_that_acts(folder: Path, tmp_path: Path) -> None:
    picture = exported(folder, "svg", tmp_path)
    root = ElementTree.fromstring(picture)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "rect", "text"}
    words = "\n".join(element.text or "" for element in root.iter())
    assert "say hello" in words and "journal intact and sealed" in words and "alert(1)" in words
    assert not set(map(chr, range(0x20))) - {"\n"} & set(words)


def test_a_trajectory_has_the_prompt_the_call_and_the_answer(folder: Path, tmp_path: Path) -> None:
    document = json.loads(exported(folder, "atif", tmp_path))
    assert [step["source"] for step in document["steps"]][:1] == ["user"]
    assert "printf" in json.dumps(document)


def test_a_page_runs_nothing(folder: Path, tmp_path: Path) -> None:
    page = exported(folder, "html", tmp_path)
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_place_and_a_size_that_are_none_are_answered_with_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sessions", "export", str(folder), "--format", "svg", "--size", "big"]) == 2
    assert main(["sessions", "export", str(folder), "--format", "svg", "--at", "soon"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "160x48" in said[0] and "#120" in said[1]


EVIL = (
    "<script>alert(1)</script><svg/onload=alert(1)><img src=x onerror=alert(1)><style>*{display:none}</style>"
    "<a href='javascript:alert(1)'>x</a> [x](javascript:alert(1)) ![x](https://evil.example/track.png) `</code>"
    "\"'&lt; \x1b]52;c;aGk=\x07\x9b2J \u202egnp.exe\u200b\u2066"
)


class Tags(HTMLParser):
    """What a browser would make of a page: its elements and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def everywhere(evil: str) -> tuple[Meta, list[Item]]:
    kinds: tuple[Kind, ...] = ("text", "thinking", "tool_use", "tool_result", "summary", "rewind", "note")
    roles: tuple[Role, ...] = ("user", "assistant", "tool", "system")
    facts = {"name": evil, "turn": 1}
    items = [
        Item(seq=number, message=number, role=role, kind=kind, facts=facts, body=f"{evil}\n{evil}")
        for number, (kind, role) in enumerate(product(kinds, roles))
    ]
    return Meta(id="1", workspace=f"/w/{evil}", started=evil, title=evil), items


OURS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "p",
        "pre",
        "b",
        "code",
    ),
    *(
        "div",
        "span",
        "mark",
        "a",
        "br",
        "hr",
        "ul",
        "ol",
        "li",
        "blockquote",
        "figure",
        "figcaption",
        "strong",
        "em",
    ),
    *("s", "table", "thead", "tbody", "tr", "th", "td"),
}
HEAD = {"lang", "charset", "http-equiv", "name", "content"}
LINKS = ("http://", "https://", "mailto:")
HOSTILE_MARKDOWN = st.lists(
    st.sampled_from(
        [
            *("[x](", "![x](", "<", ">", ")", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>"),
            *("JaVaScRiPt:alert(1)", "vbscript:x", "file://host/share", "https://evil.example/a.png", "http://a/"),
            *('" onclick="alert(1)', "' onerror='alert(1)", "&#106;avascript:x", "&quot;", "&lt;script&gt;"),
            *("\u202e", "\u200b", "&#x202e;", "&ZeroWidthSpace;", "\x1b[2J", "\0", "\n", "\n\n", " ", "    "),
            *(
                "<script>alert(1)</script>",
                "<!--",
                "-->",
                "</pre>",
                "</style>",
                "</code>",
                "<a href='javascript:x'>",
            ),
            *("`", "```html\n", "~~~ <b>\n", "*", "**", "~~", "> ", "- ", "1. ", "# ", "| a |", "|---|", "\n---\n"),
            *("[r]: javascript:x", "[r]", "\\", 'a "title" onload=x', "{style=x}", "<https://a.b>", "mailto:a@b.c"),
        ]
    ),
    max_size=30,
).map("".join)
WHATEVER = st.one_of(st.just(EVIL), HOSTILE_MARKDOWN, st.text(st.characters(exclude_categories=["Cs"])))


@settings(max_examples=examples(60, 5_000), deadline=None)
@given(WHATEVER)
def test_whatever_a_session_holds_its_page_has_our_own_elements_only_and_hides_nothing(evil: str) -> None:
    page = to_html(*everywhere(evil))
    tags = Tags(page).found
    assert {name for name, _ in tags} <= OURS
    for name, attributes in tags:
        allowed = {"a": {"href", "rel"}, "ol": {"start"}, "html": HEAD, "meta": HEAD}.get(name, {"class"})
        assert set(attributes) <= allowed
        assert (attributes.get("href") or LINKS[0]).lower().startswith(LINKS)
    assert [name for name, _ in tags].count("style") == 1
    assert not HIDDEN.search(page)


def test_a_browser_is_told_to_load_and_run_nothing_but_the_one_style_of_the_page() -> None:
    page = to_html(*everywhere("*a*"))
    told = {
        attributes.get("http-equiv"): attributes["content"]
        for name, attributes in Tags(page).found
        if "content" in attributes
    }
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert told["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style and "@import" not in style
    assert page.index("Content-Security-Policy") < page.index("<title>")


ANSWER = """I looked at **retry** [twice](https://example.org/a "why").

1. one
   - `nested`

| file | lines |
|:-----|------:|
| a.py | 42 |

```python
def f(): pass
```

> quoted

![a diagram](https://example.org/b.png)
"""


def test_an_answer_is_read_as_the_markdown_it_is_and_a_prompt_and_an_output_as_they_came() -> None:
    meta = Meta(id="1", workspace="/w", started="then", title="a *session*")
    items = [
        Item(seq=0, message=0, role="user", kind="text", body="why *so*\n# slow?"),
        Item(seq=1, message=1, role="assistant", kind="text", body=ANSWER),
        Item(seq=2, message=2, role="tool", kind="tool_result", body="\n# not a heading\n  two"),
        Item(seq=3, message=3, role="user", kind="text", facts={"by": "vtcode"}, body="*a.py* changed"),
    ]
    page = to_html(meta, items)
    for part in (
        "<h1>a *session*</h1>",
        "<div class=said>why *so*\n# slow?</div>",
        '<strong>retry</strong> <a href="https://example.org/a" rel=noreferrer>twice</a>'
        "<span class=muted> (https://example.org/a &quot;why&quot;)</span>",
        "<ol start=1><li>",
        "<ul><li>",
        "<code>nested</code>",
        "<th class=left>file</th>",
        "<td class=right>42</td>",
        "<figcaption>python</figcaption>",
        "<span class=syntax-keyword>def</span> <span class=syntax-name>f</span>",
        "<blockquote><p>quoted</p>",
        "a diagram (https://example.org/b.png)",
        "<pre class=output>\n\n# not a heading\n  two</pre>",
        "<div class=said>*a.py* changed</div>",
    ):
        assert part in page


@given(st.one_of(st.just(EVIL), st.text(st.characters(exclude_categories=["Cs"]))))
def test_whatever_a_session_holds_its_markdown_hides_nothing_and_a_call_stays_code(evil: str) -> None:
    page = to_markdown(*everywhere(evil))
    assert not HIDDEN.search(page)
    meta = Meta(id="1", workspace="/w", started="then", title="a session")
    call = Item(seq=0, message=0, role="assistant", kind="tool_use", facts={"name": "run_command"}, body=evil)
    parsed = MarkdownIt().parse(to_markdown(meta, [call]))
    assert len([token for token in parsed if token.type == "fence"]) == 1
    assert not [one for token in parsed for one in (token, *(token.children or ())) if one.type in ACTING]


async def test_a_copy_on_the_command_line_names_what_is_staged_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [Step("", (("write_file", {"path": "new.txt", "content": "one\n"}),)), Step("done")]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("write it")
        made, home = stage.session.folder, stage.home
    monkeypatch.setenv("VTCODE_HOME", str(home.state.parent if home.state.name == "state" else home.state))
    assert await asyncio.to_thread(main, ["sessions", "fork", str(made)]) == 0
    said = capsys.readouterr()
    assert "come along" in said.err and "new.txt" in said.err
    assert len(said.out.strip()) == 36


def test_what_somebody_thinks_or_calls_stands_below_who_it_is() -> None:
    meta = Meta(id="1", workspace="/w", started="then", title="a session")
    items = [
        Item(seq=0, message=0, role="user", kind="text", body="ask"),
        Item(seq=1, message=1, role="assistant", kind="thinking", body="hm"),
        Item(seq=2, message=1, role="assistant", kind="text", body="look"),
        Item(seq=3, message=1, role="assistant", kind="tool_use", facts={"name": "read_file"}, body="{}"),
        Item(seq=4, message=2, role="user", kind="tool_result", body="found"),
        Item(seq=5, message=2, role="user", kind="text", facts={"by": "vtcode"}, body="a file changed"),
        Item(seq=6, message=3, role="assistant", kind="tool_use", facts={"name": "read_file"}, body="{}"),
    ]
    heads = ["## You", "## Assistant", "> hm", "**read_file**", "## vtcode", "## Assistant", "**read_file**"]
    lines = to_markdown(meta, items).splitlines()
    assert [line for line in lines if line.startswith(("##", ">", "**"))] == heads
    assert re.findall("<h2>(.*?)</h2>", to_html(meta, items)) == ["You", "Assistant", "vtcode", "Assistant"]
    assert "overflow-wrap:anywhere" in to_html(
        meta, items
    )  # a long title or argument made the page scroll sideways
