from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.render import Line, MarkdownStream, Span, code_blocks, markdown, markdown_page, text_of, width
from vtcode_tui.render.markdown_aloud import markdown_aloud

SAMPLE = """# Title with `code`

A paragraph with **bold**, *italic*, ~~gone~~ and a [link](https://example.org/a).
It goes on  
after a hard break.

1. one
   - nested
     ```python
     x = 1
     ```
2. two

- loose

  second paragraph

> quoted **text**
> - list

```python
def f(x: int) -> str:
    \"\"\"Doc
    string\"\"\"
    return f"{x}"
```

| name | n |
|:-----|--:|
| a    | 1 |
| long cell that has to be wrapped somewhere | 22 |

---

~~~
tildes ``` inside
~~~
last"""

PIECES = st.sampled_from(
    [
        *SAMPLE.split("\n"),
        "```",
        "```py\n",
        "~~~",
        "- ",
        "1. ",
        "> ",
        "    code",
        "\n",
        "\n\n",
        "---",
        "===",
        "| a |",
        "|--|",
        "# ",
        "text",
        "\r\n",
        "\r",
        "\x00",
        "\x1b]52;c;x\x07",
        "\u202e",
        "[a]: http://b",
        "<b>",
        "&lt;",
        "\t",
        "`",
        "**",
        "a" * 50,
    ]
)
TEXTS = st.lists(PIECES, max_size=25).flatmap(
    lambda parts: st.sampled_from(["", "\n", " "]).map(lambda glue: glue.join(parts))
)


def texts(lines: list[Line]) -> list[str]:
    return [line.text.rstrip() for line in lines]


def test_every_kind_of_block_is_laid_out() -> None:
    assert texts(markdown(SAMPLE, 40)) == [
        "Title with code",
        "",
        "A paragraph with bold, italic, gone and",
        "a link (https://example.org/a). It goes",
        "on",
        "after a hard break.",
        "",
        "1. one",
        "   ◦ nested",
        "       python",
        "       x = 1",
        "2. two",
        "",
        "• loose",
        "",
        "  second paragraph",
        "",
        "▌ quoted text",
        "▌",
        "▌ • list",
        "",
        "  python",
        "  def f(x: int) -> str:",
        '      """Doc',
        '      string"""',
        '      return f"{x}"',
        "",
        "name                                │  n",
        "────────────────────────────────────┼───",
        "a                                   │  1",
        "long cell that has to be wrapped    │ 22",
        "somewhere                           │",
        "",
        "─" * 40,
        "",
        "",
        "  tildes ``` inside",
        "",
        "last",
    ]


@settings(max_examples=examples(40, 5_000), deadline=None)
@given(st.one_of(TEXTS, st.just(SAMPLE)), st.integers(10, 60), st.data())
@example("a\n\n```\nb", 20, None)
def test_pieces_give_the_same_lines_as_the_whole(text: str, cells: int, draw: st.DataObject | None) -> None:
    stream = MarkdownStream(cells)
    at = 0
    final: list[Line] = []
    while at < len(text):
        size = draw.draw(st.integers(1, 12)) if draw else 1
        stream.feed(text[at : at + size])
        at += size
        assert list(stream.lines)[: len(final)] == final  # what was final stays as it was
        final = list(stream.lines)[: stream.final]
    stream.close()
    assert list(stream.lines) == markdown(text, cells)
    assert stream.final == len(stream.lines)


@settings(max_examples=examples(40, 5_000), deadline=None)
@given(TEXTS, st.integers(12, 60))
@example("| a " * 40 + "|\n" + "|--" * 40 + "|\n", 12)
@example("> " * 14 + "- " * 14 + "deep and 漢字\n", 12)
@example("1234567890. x\n", 12)
def test_no_text_can_do_anything_but_be_shown(text: str, cells: int) -> None:
    for line in markdown(text, cells):
        assert width(line.text) <= cells
        assert not any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in line.text)


WORDY = st.lists(
    st.sampled_from(
        [
            *(
                "> ",
                "- ",
                "1. ",
                "    ",
                "  ",
                "# ",
                "\n",
                "\n",
                "\n\n",
                "```",
                "~~~",
                "`",
                "**",
                "_",
                "~~",
                " ",
                "<!--",
            ),
            *(
                "[word](",
                "![word](",
                "http://word/",
                ")",
                ' "word")',
                "| word ",
                "|",
                "\n|--|--|\n",
                "\n---\n",
                "<word>",
            ),
            *("word", "word", "[word]: http://word", "\\", "> > > > > > > > ", "- - - - - - - - "),
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=examples(100, 20_000), deadline=None)
@given(WORDY)
@example("> " * 20 + "word")
@example("- " * 20 + "word")
@example("| word | word |\n|--|--|\n| word | word | word | word |\n| word |\n")
@example('[word](http://word "word") ![word](/word "word")')
@example("```word word\nword\n```")
def test_no_word_of_a_text_is_left_out_of_the_screen_or_of_a_page_or_when_read_aloud(text: str) -> None:
    # Each its own, so that one that is shown twice (a link and its address) hides none that is missing.
    words = [f"w{number}q" for number in range(text.count("word"))]
    for word in words:
        text = text.replace("word", word, 1)
    rows = text_of(markdown(text, 5_000))
    page = re.sub("<[^>]*>", "", markdown_page(text))
    assert [word for word in words if word not in rows] == []
    assert [word for word in words if word not in page] == []
    aloud = text_of(markdown_aloud(text, 5_000))
    assert [word for word in words if word not in aloud] == []


@settings(max_examples=examples(40, 5_000), deadline=None)
@given(st.one_of(TEXTS, st.just(SAMPLE)), st.integers(10, 60), st.lists(st.integers(1, 40), min_size=1))
@example("a\r\nb\r\n\r\nc", 20, [2])
def test_parts_that_are_laid_out_one_by_one_give_the_same_lines_as_the_whole(
    text: str, cells: int, parts: list[int]
) -> None:
    stream = MarkdownStream(12)
    stream.feed(text)
    stream.resize(cells)
    for most in itertools.cycle(parts):
        kept = list(stream.laid)[: stream.final]
        more = stream.advance(most)
        assert list(stream.laid)[: len(kept)] == kept
        if not more:
            break
    stream.close()
    assert list(stream.laid) == markdown(text, cells)


def test_a_new_width_gives_what_the_new_width_would_have_given() -> None:
    stream = MarkdownStream(30)
    for start in range(0, len(SAMPLE), 7):
        stream.feed(SAMPLE[start : start + 7])
        _ = stream.lines
        if start == 350:
            stream.resize(50)
    stream.close()
    assert list(stream.lines) == markdown(SAMPLE, 50)


def test_a_long_listing_is_finished_while_it_is_written_and_keeps_its_colours() -> None:
    code = 'x = """\n' + "inside a string\n" * 200 + '"""\nreturn 1\n'
    stream = MarkdownStream(80)
    stream.feed("```python\n" + code)
    assert len(stream.lines) >= stream.final > 150
    stream.feed("```\n")
    stream.close()
    rows = list(stream.lines)
    assert {span.style.name for span in rows[150].spans if span.text.strip()} == {"syntax.string"}
    assert rows == markdown(f"```python\n{code}```\n", 80)


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 20000,
        "*" * 20000,
        "`" * 20000,
        "> " * 5000,
        "- " * 5000,
        "![" * 10000,
        "<" * 20000,
        "|" * 20000,
        "a" * 100000,
        "a\n" * 20000,
        "| a | b |\n|--|--|\n" + "| x | y |\n" * 3000,
        "_a_ " * 10000,
        "/*" * 5000,
    ],
)
def test_a_text_made_to_be_slow_is_laid_out_all_the_same(hostile: str) -> None:
    assert markdown(hostile, 80)
    assert markdown(f"```c\n{hostile}", 80)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("[x](https://example.org/)", "https://example.org/"),
        ("<https://example.org/>", "https://example.org/"),
        ("[x](javascript:alert(1))", ""),
        ("[x](data:text/html;base64,AAAA)", ""),
        ("[x](http://a/%1b%5c)", "http://a/%1b%5c"),
        ("see https://example.org/a_(b)?c=d#e.", "https://example.org/a_(b)?c=d#e"),
        ("(https://example.org/a), then", "https://example.org/a"),
        ("**https://example.org/a**", "https://example.org/a"),
        ("at http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("`https://example.org/`", ""),
        ("[https://example.org/](javascript:alert(1))", "https://example.org/"),
        ("javascript:alert(1)//https://example.org/", ""),
        ("https://exam\u043fle.org/", ""),
        ("https://example.org\u200b.evil.example/", ""),
        ("nothttps://example.org/ and https://", ""),
    ],
)
def test_links_show_where_they_lead(source: str, target: str) -> None:
    line = markdown(source, 80)[0]
    assert {span.style.link for span in line.spans} - {""} == ({target} if target else set())
    assert not target or target in line.text


def test_a_link_is_one_also_where_it_is_broken_over_rows() -> None:
    address = "https://example.org/" + "a" * 60
    rows = markdown(f"It is at {address} now.", 30)
    parts = [span for row in rows for span in row.spans if span.style.link]
    assert {part.style.link for part in parts} == {address}
    assert "".join(part.text for part in parts) == address


def test_code_blocks_can_be_copied_exactly() -> None:
    blocks = code_blocks(SAMPLE)
    assert [block.language for block in blocks] == ["python", "python", ""]
    assert blocks[0].text == "x = 1\n"
    stream = MarkdownStream(20)
    stream.feed(SAMPLE)
    assert stream.code_blocks == blocks
    assert stream.source == SAMPLE


def test_escape_sequences_in_prose_and_code_are_visible() -> None:
    text = text_of(markdown("a \x1b]52;c;x\x07 b\n\n`\x9b2J`\n\n```sh\necho \x1b[2J\u202e\n```\n", 60))
    assert "␛]52;c;x␇" in text
    assert "⟦U+009B⟧2J" in text
    assert "␛[2J⟦U+202E⟧" in text


def test_words_are_coloured_by_what_they_are() -> None:
    line = markdown("```python\nreturn 'x'  # why\n```", 60)[1]
    named = {span.text.strip(): span.style.name for span in line.spans}
    assert named["return"] == "syntax.keyword"
    assert named["'x'"] == "syntax.string"
    assert named["# why"] == "syntax.comment"
    assert line.fill == "code"


def test_a_row_can_be_joined_with_the_one_before_when_copied() -> None:
    assert text_of(markdown("word " * 20, 30)) == ("word " * 20).strip()
    assert isinstance(markdown("x", 10)[0].spans[0], Span)
