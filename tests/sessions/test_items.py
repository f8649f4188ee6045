from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.common.errors import UsageError
from vtcode_tui.llm.messages import Image, Message, Text, Thinking, ToolResult, ToolUse
from vtcode_tui.sessions import Item, Meta, Store, parse, read_meta, written
from vtcode_tui.sessions.conversation import conversation_of, unanswered

ANY = st.text(st.characters(exclude_categories=()), max_size=80) | st.sampled_from(
    [
        "<!-- /vt 0 -->\n",
        '<!-- vt:item {"seq":0} -->\n',
        "```\n````\n",
        "-->",
        "\ud800",
        "",
        "\r\n\x00",
        "---\nid: x\n---\n",
    ]
)
KINDS = st.sampled_from(["text", "thinking", "tool_use", "tool_result", "image", "summary", "note"])
ITEMS = st.builds(
    lambda role, kind, body, message, facts: Item(0, role, kind, body, message, facts),
    st.sampled_from(["user", "assistant", "tool", "system"]),
    KINDS,
    ANY,
    st.integers(0, 99),
    st.dictionaries(st.sampled_from(["id", "name", "signature"]), ANY, max_size=3),
)


@given(st.lists(ITEMS, max_size=6))
def test_whatever_was_said_is_read_back_exactly(items: list[Item]) -> None:
    numbered = [Item(i, one.role, one.kind, one.body, one.message, one.facts) for i, one in enumerate(items)]
    parsed = parse(b"---\nid: x\n---\n\n" + b"".join(map(written, numbered)))
    assert list(parsed.items) == numbered
    assert not parsed.modified
    assert not parsed.torn


@given(st.lists(ITEMS, min_size=1, max_size=3), st.data())
def test_a_torn_tail_loses_the_last_item_and_nothing_else(items: list[Item], data: st.DataObject) -> None:
    numbered = [Item(i, one.role, one.kind, one.body, one.message, one.facts) for i, one in enumerate(items)]
    whole = b"".join(map(written, numbered))
    last = written(numbered[-1])
    closer = last.splitlines()[-2]
    cut = data.draw(st.integers(len(whole) - len(last), len(whole) - len(closer) - 2))
    parsed = parse(whole[:cut])
    assert list(parsed.items) == numbered[:-1]


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parser_fail(data: bytes) -> None:
    parse(data)


@given(ITEMS)
def test_an_item_ends_no_comment_early_in_a_markdown_viewer(item: Item) -> None:
    opener = written(item).split(b"\n", 1)[0]
    assert opener.count(b"-->") == 1


def test_an_item_edited_by_hand_is_read_and_marked() -> None:
    item = Item(4, "user", "text", "please add a test", 0)
    data = written(item).replace(b"add a test", b"add two whole tests")
    parsed = parse(data)
    assert parsed.items[0].body == "please add two whole tests"
    assert parsed.modified == (4,)


TEXTS = st.text(max_size=30)
SAID = st.one_of(
    st.builds(Text, TEXTS, st.sampled_from(["prompt", "steer", "vtcode"])),
    st.builds(ToolResult, TEXTS, TEXTS, st.booleans()),
) | st.builds(Image, st.binary(max_size=20), st.just("image/png"))
ANSWERED = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Thinking, TEXTS, TEXTS, TEXTS, TEXTS, st.booleans()),
    st.builds(ToolUse, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
)
MESSAGES = st.lists(
    st.builds(Message, st.just("user"), st.lists(SAID, min_size=1, max_size=4).map(tuple))
    | st.builds(Message, st.just("assistant"), st.lists(ANSWERED, min_size=1, max_size=4).map(tuple)),
    max_size=5,
)


@given(MESSAGES)
def test_a_conversation_comes_back_message_by_message(messages: list[Message]) -> None:
    from vtcode_tui.sessions.conversation import items_of

    items, seq = [], 0
    for number, message in enumerate(messages):
        made = items_of(message, number=number, first_seq=seq)
        seq += len(made)
        items += made
    parsed = parse(b"".join(map(written, items)))
    assert conversation_of(parsed.items).messages == tuple(messages)


def test_a_store_is_reopened_where_it_ended(tmp_path: Path) -> None:
    meta = Meta(id="s", workspace="/w", started="2026-01-01T00:00:00.000Z")
    store = Store.create(tmp_path / "s", meta)
    use = Message("assistant", (Text("hm"), ToolUse("c1", "list_files", "{}")))
    store.add(Message("user", (Text("hi"),)))
    store.add(use)
    again, parsed = Store.reopen(tmp_path / "s")
    assert unanswered(conversation_of(parsed.items).messages) == [use.parts[1]]
    again.add(Message("user", (ToolResult("c1", "a\n"),)))
    again.summarise("we listed files", 2)
    _, parsed = Store.reopen(tmp_path / "s")
    conversation = conversation_of(parsed.items)
    assert [item.seq for item in parsed.items] == [0, 1, 2, 3, 4]
    assert len(conversation.messages) == 3
    assert (conversation.summary, conversation.kept_from) == ("we listed files", 2)
    assert not unanswered(conversation.messages)
    with pytest.raises(UsageError):
        read_meta(tmp_path)
