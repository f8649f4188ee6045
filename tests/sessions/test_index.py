"""A journal read by an index says the same as one that is read whole; places, search, growth, damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events import Bus, Journal, read_events
from vtcode_tui.events.examples import EXAMPLES
from vtcode_tui.events.types import PromptSubmitted
from vtcode_tui.sessions import JournalIndex, Recording

A = "a" * 64


async def written(folder: Path, texts: list[str]) -> Path:
    """A journal with an example of every type, and prompts with these texts."""
    journal = Journal.create(folder, "01920000-0000-7000-8000-0000000000aa")
    await journal.prepare()
    bus = Bus(journal)
    for number, (payload, _, _) in enumerate(EXAMPLES):
        await bus.record(payload, turn=number // 7, call=f"c{number}" if number % 3 else None)
    for text in texts:
        await bus.record(PromptSubmitted(text=text, sha256=A), turn=99)
    await bus.close()
    return folder


async def test_every_type_of_event_is_the_same_by_the_index_as_read_whole(tmp_path: Path) -> None:
    folder = await written(tmp_path / "s", ["ünï", 'a "quoted" \\ text\nwith lines', "Straße"])
    whole, index = list(read_events(folder)), JournalIndex(folder)
    assert list(index) == whole
    for place, event in enumerate(whole):
        head = index.head(place)
        assert (head.seq, head.type, head.severity, head.outcome) == (
            event.seq,
            event.type,
            event.severity,
            event.outcome,
        )
        assert (head.turn, head.call) == (event.turn, event.call)
        assert (head.actor.kind, head.actor.id) == (event.actor.kind, event.actor.id)
    assert [index.place_of(event.seq) for event in whole] == list(range(len(whole)))


async def test_words_are_found_wherever_they_stand_and_nowhere_else(tmp_path: Path) -> None:
    texts = ["Needle in hay", 'a "quoted" \\ text\nwith lines', "nothing", "ÜBER", "needle again"]
    folder = await written(tmp_path / "s", texts)
    index = JournalIndex(folder)
    end = len(index)
    prompts = [place for place, event in enumerate(index) if event.turn == 99]
    prompts = [place for place in prompts if index.types[place] == "prompt.submitted"]
    for words in ("needle", '"quoted" \\', "text\nwith", "über", "hay", "e"):
        having = [place for place, text in zip(prompts, texts, strict=True) if words.lower() in text.lower()]
        found = [place for place in index.search(words) if place in prompts[:5]]
        assert found == having or (words == "e" and set(having) <= set(found)), words
    assert set(prompts) <= set(index.search("PROMPT.SUBMITTED"))
    assert list(index.search("a" * 63 + "b")) == []
    assert list(index.search("needle", prompts[1])) == [prompts[4]]
    assert end == len(index)


async def test_an_index_grows_with_its_journal(tmp_path: Path) -> None:
    folder = await written(tmp_path / "s", ["one"])
    file = folder / "journal.jsonl"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:5]) + lines[5][:40])
    index = JournalIndex(folder)
    assert len(index) == 5
    file.write_bytes(whole)
    assert index.refresh() == len(lines)
    assert list(index) == list(read_events(folder))


@given(st.lists(st.binary(max_size=80).filter(lambda raw: b"\n" not in raw), max_size=8))
def test_any_lines_can_be_looked_at(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    recording = Recording(folder, idle_limit=1.0)
    assert len(recording) == len(lines)
    assert all(event.type == "unreadable" for event in recording.events)
    assert list(recording.events.at) == sorted(recording.events.at)


def test_a_journal_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read"):
        JournalIndex(tmp_path)
