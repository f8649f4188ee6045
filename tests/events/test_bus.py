"""The bus: first the journal, then the readers, in order."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from pathlib import Path

import pytest

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events import Bus, Event, Journal, read_events, verify
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.events.types import (
    FileChanged,
    LogFailed,
    ModelRequested,
    PolicyDecided,
    PromptSubmitted,
    ToolRequested,
)

REQUESTED = ModelRequested(provider="p", model="m", endpoint="e", messages=1)
DECIDED = PolicyDecided(
    decision="allow", rule="r", reason="because", subject_sha256="0" * 64, policy_sha256="1" * 64
)


async def test_a_recorded_event_is_in_the_file_before_a_reader_hears_of_it(journal: Journal) -> None:
    bus = Bus(journal)
    seen: list[bool] = []
    bus.subscribe(lambda event: seen.append(event in list(read_events(journal.folder))))
    await bus.record(DECIDED, turn=1, call="c1")
    await bus.record(REQUESTED)
    assert seen == [True, True]


async def test_readers_hear_events_in_the_order_of_the_journal_whatever_is_flushed_when(journal: Journal) -> None:
    bus = Bus(journal)
    heard: list[int] = []
    bus.subscribe(lambda event: heard.append(event.seq) if isinstance(event, Event) else None)
    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(bus.record(DECIDED if number % 3 else REQUESTED, turn=number))
    assert heard == list(range(journal.seq))
    assert len(heard) > 200


async def test_an_event_that_comes_while_the_journal_is_sealed_is_refused_and_leaves_it_intact(
    journal: Journal,
) -> None:
    bus = Bus(journal)
    await bus.record(DECIDED, turn=1, call="c1")
    closing = asyncio.create_task(bus.close())
    await asyncio.sleep(0)
    for _ in range(50):
        with pytest.raises(JournalError, match="is closed"):
            await bus.record(DECIDED, turn=1, call="c2")
    await closing
    assert [one for one in verify(journal.folder).problems if one.layer == "chain"] == []
    assert [event.type for event in read_events(journal.folder)] == ["policy.decided", "log.checkpoint"]


async def test_concurrent_durable_events_share_a_flush(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes: list[int] = []

    def counting(descriptor: int) -> None:
        flushes.append(descriptor)
        os.fsync(descriptor)

    monkeypatch.setattr("vtcode_tui.events.durable.fdatasync", counting)
    bus = Bus(journal)
    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(bus.record(DECIDED))
    assert len(flushes) <= 3


async def test_several_events_are_written_and_flushed_at_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes: list[int] = []
    monkeypatch.setattr("vtcode_tui.events.durable.fdatasync", flushes.append)
    bus = Bus(journal)
    heard: list[Event | Live] = []
    bus.subscribe(heard.append)
    made = await bus.record_all((DECIDED, REQUESTED, DECIDED), turn=2, call="c")
    assert [event.seq for event in made] == [0, 1, 2]
    assert heard == made == list(read_events(journal.path))
    assert len(flushes) == 1


async def test_an_event_that_another_follows_is_told_once_it_is_on_disk_and_in_order(journal: Journal) -> None:
    bus = Bus(journal)
    heard: list[int] = []
    bus.subscribe(lambda event: heard.append(event.seq) if isinstance(event, Event) else None)
    await bus.record(DECIDED)
    await bus.record(DECIDED, follows=True)
    await bus.record(REQUESTED)
    assert heard == [0]
    await bus.record(DECIDED)
    assert heard == [0, 1, 2, 3]


async def test_a_flush_that_nobody_waits_for_and_that_fails_still_stops_everything(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    bus = Bus(journal)
    await bus.record(DECIDED)
    with monkeypatch.context() as patch:
        patch.setattr("vtcode_tui.events.durable.fdatasync", failing)
        await bus.record(DECIDED, follows=True)
        with pytest.raises(JournalError, match="nothing more runs"):
            await bus.record(DECIDED)


async def test_a_cancelled_waiter_loses_no_event_and_stops_no_other(journal: Journal) -> None:
    bus = Bus(journal)
    heard: list[int] = []
    bus.subscribe(lambda event: heard.append(event.seq) if isinstance(event, Event) else None)
    first = asyncio.ensure_future(bus.record(DECIDED))
    second = asyncio.ensure_future(bus.record(DECIDED))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert heard == [0, 1]


async def test_a_failed_flush_refuses_this_event_and_all_later_ones(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    bus = Bus(journal)
    heard: list[Event | Live] = []
    bus.subscribe(heard.append)
    with monkeypatch.context() as patch:
        patch.setattr("vtcode_tui.events.durable.fdatasync", failing)
        with pytest.raises(JournalError, match="nothing more runs"):
            await bus.record(DECIDED)
    with pytest.raises(JournalError, match="nothing more runs"):
        await bus.record(DECIDED)
    with pytest.raises(JournalError, match="nothing more runs"):
        await bus.record(REQUESTED)
    assert heard == []


async def test_a_full_disk_refuses_the_event_and_is_recorded_from_the_reserve(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    full = True

    def write(descriptor: int, data: bytes) -> int:
        if full and (journal.folder / ".reserve").exists():
            return real(descriptor, data[: len(data) // 2])
        return real(descriptor, data)

    bus = Bus(journal)
    await bus.record(DECIDED)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(JournalError, match="nothing more runs: No space left"):
            await bus.record(DECIDED)
    with pytest.raises(JournalError, match="nothing more runs"):
        await bus.record(DECIDED)
    last = list(read_events(journal.folder))
    assert len(last) == 2
    assert isinstance(last[-1].data, LogFailed)
    assert last[-1].data.lost == "policy.decided"


async def test_a_reader_that_fails_stops_neither_the_evidence_nor_the_other_readers_and_is_named_once(
    journal: Journal, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus(journal)
    heard: list[Event | Live] = []

    def broken(event: Event | Live) -> None:
        raise ValueError("broken reader")

    bus.subscribe(broken)
    bus.subscribe(heard.append)
    await bus.record(REQUESTED)
    await bus.record(REQUESTED)
    notice, *events = heard
    assert isinstance(notice, Notice)
    assert re.search(r"ValueError at test_bus\.py:\d+: broken reader$", notice.text)
    assert [event.data for event in events if isinstance(event, Event)] == [REQUESTED, REQUESTED]
    assert len(events) == 2
    # Only readers say anything to anybody: stderr is for JSON alone.
    assert (capfd.readouterr(), caplog.text) == (("", ""), "")


async def test_what_is_published_reaches_readers_and_not_the_journal(journal: Journal) -> None:
    bus = Bus(journal)
    heard: list[Event | Live] = []
    stop = bus.subscribe(heard.append)
    bus.publish(Notice("hello"))
    stop()
    bus.publish(Notice("unheard"))
    assert heard == [Notice("hello")]
    assert list(read_events(journal.folder)) == []


async def test_names_that_are_not_utf8_are_recorded_spelled_out(journal: Journal) -> None:
    bus = Bus(journal)
    await bus.record(FileChanged(path="a\udc80b", op="create", staged=False))
    await bus.record(
        ToolRequested(tool="t", arguments={"path": "\udcff"}, arguments_sha256="", subject_sha256="", cwd="/"),
        call="c\u2028\n",
    )
    first, second = read_events(journal.folder)
    assert isinstance(first.data, FileChanged)
    assert first.data.path == "a\\udc80b"
    assert isinstance(second.data, ToolRequested)
    assert second.data.arguments == {"path": "\\udcff"}
    assert second.call == "c\u2028\n"


async def test_what_is_read_back_is_what_was_recorded(journal: Journal, tmp_path: Path) -> None:
    bus = Bus(journal)
    made = [
        await bus.record(one, turn=3, call="x")
        for one in (DECIDED, REQUESTED, PromptSubmitted(text="é\n\u2029\x00", sha256=""))
    ]
    assert list(read_events(journal.path)) == made


async def test_digests_stand_for_texts_in_the_journal_and_readers_still_get_the_texts(journal: Journal) -> None:
    bus = Bus(journal, capture="digest")
    heard: list[Event | Live] = []
    bus.subscribe(heard.append)
    told = await bus.record(PromptSubmitted(text="say it to nobody", sha256="0" * 64))
    (kept,) = read_events(journal.path)
    assert isinstance(kept.data, PromptSubmitted)
    assert kept.data.text == f"sha256:{hashlib.sha256(b'say it to nobody').hexdigest()}"
    assert isinstance(heard[0], Event)
    assert isinstance(heard[0].data, PromptSubmitted)
    assert heard[0].data.text == "say it to nobody"
    assert told.id == kept.id


async def test_readers_hear_the_texts_of_many_events_that_the_journal_keeps_as_digests(journal: Journal) -> None:
    bus = Bus(journal, capture="digest")
    heard: list[Event | Live] = []
    bus.subscribe(heard.append)
    await bus.record_all([PromptSubmitted(text=f"text {number}", sha256="") for number in range(700)])
    await journal.settle()
    texts = [what.data.text for what in heard if isinstance(what, Event) and isinstance(what.data, PromptSubmitted)]
    assert texts == [f"text {number}" for number in range(700)]
    assert b"text 5" not in journal.path.read_bytes()


async def test_a_checkpoint_among_events_that_nobody_waits_for_does_not_hold_them_back_from_the_readers(
    journal: Journal,
) -> None:
    bus = Bus(journal)
    heard: list[Event | Live] = []
    everything = asyncio.Event()

    def hear(what: Event | Live) -> None:
        heard.append(what)
        if isinstance(what, Event) and what.data == REQUESTED.model_copy(update={"messages": 99}):
            everything.set()

    bus.subscribe(hear)
    for number in range(100):
        await bus.record(REQUESTED.model_copy(update={"messages": number}))
    await asyncio.wait_for(everything.wait(), 60)
    assert any(isinstance(what, Event) and what.type == "log.checkpoint" for what in heard)
