"""A disk that answers at once: flushes are made in the event loop, and promise what they do elsewhere."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.common.clock import Stamps, rfc3339
from vtcode_tui.common.errors import JournalError
from vtcode_tui.events import Bus, Event, Journal
from vtcode_tui.events.types import ModelRequested, PolicyDecided

DECIDED = PolicyDecided(
    decision="allow", rule="r", reason="because", subject_sha256="0" * 64, policy_sha256="1" * 64
)
REQUESTED = ModelRequested(provider="p", model="m", endpoint="e", messages=1)


class Disk:
    """Counts flushes, and says what had been written when each was made."""

    def __init__(self, journal: Journal) -> None:
        self.journal, self.covered, self.broken = journal, list[int](), False

    def __call__(self, descriptor: int) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        self.covered.append(self.journal.seq)


@pytest.fixture
async def disk(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A journal's disk that has been found to be swift."""
    made = Disk(journal)
    monkeypatch.setattr("vtcode_tui.events.durable.fdatasync", made)
    bus = Bus(journal)
    for _ in range(40):
        await bus.record(DECIDED)
    made.covered.clear()
    return made


async def test_whoever_writes_in_the_same_round_shares_one_flush(journal: Journal, disk: Disk) -> None:
    bus, before = Bus(journal), journal.seq
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(bus.record(DECIDED))
    assert disk.covered == [before + 20]


async def test_each_is_on_disk_before_its_call_returns(journal: Journal, disk: Disk) -> None:
    bus = Bus(journal)
    for number in range(10):
        event = await bus.record(DECIDED)
        assert len(disk.covered) == number + 1
        assert disk.covered[-1] > event.seq


async def test_what_another_follows_needs_no_flush_of_its_own(journal: Journal, disk: Disk) -> None:
    bus = Bus(journal)
    await bus.record(DECIDED, follows=True)
    await bus.record(DECIDED)
    assert disk.covered == [journal.seq]


async def test_what_another_follows_needs_no_flush_of_its_own_on_a_slow_disk_either(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Disk(journal)
    monkeypatch.setattr("vtcode_tui.events.durable.fdatasync", slow)
    bus = Bus(journal)
    await bus.record(DECIDED)
    slow.covered.clear()
    await bus.record(DECIDED, follows=True)
    await bus.record(DECIDED)
    assert slow.covered == [journal.seq]


async def test_what_nothing_follows_is_flushed_all_the_same(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, landed = Disk(journal), asyncio.Event()
    monkeypatch.setattr("vtcode_tui.events.durable.fdatasync", slow)
    bus = Bus(journal)
    await bus.record(DECIDED)
    bus.subscribe(lambda what: landed.set())
    await bus.record(DECIDED, follows=True)
    await asyncio.wait_for(landed.wait(), 60)
    assert slow.covered[-1] == journal.seq


async def test_an_event_whose_waiter_is_cancelled_is_flushed_and_told_all_the_same(
    journal: Journal, disk: Disk
) -> None:
    bus = Bus(journal)
    heard, told = list[int](), asyncio.Event()

    def hear(what: object) -> None:
        if isinstance(what, Event):
            heard.append(what.seq)
            told.set()

    bus.subscribe(hear)
    waiting = asyncio.ensure_future(bus.record(DECIDED))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait_for(told.wait(), 60)
    assert waiting.cancelled()
    assert heard == [journal.seq - 1]
    assert disk.covered == [journal.seq]


async def test_a_flush_that_fails_refuses_all_who_shared_it_and_all_that_come_later(
    journal: Journal, disk: Disk
) -> None:
    bus, disk.broken = Bus(journal), True
    ended = await asyncio.gather(*(bus.record(DECIDED) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in ended] == [JournalError] * 5
    disk.broken = False
    with pytest.raises(JournalError, match="nothing more runs"):
        await bus.record(REQUESTED)
    assert disk.covered == []


async def test_nothing_is_flushed_by_itself_once_the_journal_is_closed(journal: Journal, disk: Disk) -> None:
    bus = Bus(journal)
    await bus.record(DECIDED, follows=True)
    closing = asyncio.ensure_future(bus.close())
    await closing
    made = len(disk.covered)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(disk.covered) == made


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
            st.integers(-999_999, 2_000_000),
            st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=30)))),
        ),
        max_size=8,
    )
)
def test_times_are_written_as_rfc3339_has_them_whatever_the_clock_does(
    moments: list[tuple[datetime, int, timezone]],
) -> None:
    stamps = Stamps()
    for moment, microseconds, zone in moments:
        for one in (moment, moment + timedelta(microseconds=microseconds) if moment.year > 1970 else moment):
            there = one.replace(tzinfo=zone)
            assert stamps.of(there) == rfc3339(there)
