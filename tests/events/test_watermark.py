"""The high-water mark of a session that runs: what it notices of a crashed session's end, and what it cannot."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from pathlib import Path

import pytest

from tests.events.conftest import HUMAN, MODEL, POLICY, STARTED, a_call
from tests.events.test_history_attacks import prompt
from tests.events.test_tampering import FIRST, checkpoints, lines_of, put, rechain
from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.home import Home
from vtcode_tui.events import Bus, Journal, verify
from vtcode_tui.events.notes import Key, read_note, write_note
from vtcode_tui.events.rootcheck import check_root
from vtcode_tui.events.types import SYSTEM, SessionResumed
from vtcode_tui.events.watermark import watermark_origin


async def crashed(home: Home, *, durable: bool = True) -> Path:
    """A session that was killed after events that were acknowledged as being on disk."""
    folder = home.sessions / "2026" / "11" / "22" / FIRST
    bus = Bus(Journal.create(folder, FIRST))
    await bus.record(STARTED)
    for number in range(3):
        for payload, call, actor in a_call(f"c{number}")[:5] if durable else [(prompt("hello"), None, HUMAN)]:
            await bus.record(payload, call=call, actor=actor or SYSTEM)
    await marked(folder, bus.journal.seq)
    bus.journal.abandon()
    return folder


async def marked(folder: Path, size: int) -> None:
    """Wait until the session's high-water mark says so much."""
    mark = folder.parents[4] / "audit" / "watermarks" / folder.name
    while read_note(mark.read_text().rstrip("\n") + "\n").size < size:
        await asyncio.sleep(0.01)


async def test_the_end_of_a_crashed_session_can_neither_be_cut_off_nor_changed(home: Home) -> None:
    folder = await crashed(home)
    assert (verify(folder).state, verify(folder).problems) == ("open", ())
    lines = lines_of(folder)
    known = max(size for size, _ in check_root(home.audit / "root.jsonl").entries[FIRST].known)
    assert known + 3 < len(lines)
    for cut in range(known, len(lines)):
        put(folder, lines[:cut])
        (problem,) = verify(folder).problems
        assert (problem.layer, "its end was cut off" in problem.text) == ("root", True)
    put(folder, rechain([*lines[:-1], lines[-1].replace(b'"reason":"', b'"reason":"forged: ')]))
    (problem,) = verify(folder).problems
    assert (problem.layer, problem.seq) == ("root", len(lines) - 1)
    with pytest.raises(JournalError, match="is not continued"):
        Journal.reopen(folder)


async def test_an_event_that_nobody_waited_for_is_marked_soon_too(home: Home) -> None:
    folder = await crashed(home, durable=False)
    put(folder, lines_of(folder)[:-1])
    assert verify(folder).layer == "root"


async def test_a_mark_that_is_gone_forged_or_a_checkpoint_in_disguise_is_noticed(home: Home) -> None:
    folder = await crashed(home)
    mark = home.audit / "watermarks" / FIRST
    good = mark.read_bytes()
    lines = lines_of(folder)
    put(folder, lines[: checkpoints(lines)[-1]] if checkpoints(lines) else lines[:-1])
    note = Key()
    forged = write_note(note, watermark_origin(FIRST), len(lines) - 1, hashlib.sha256(lines[-2]).hexdigest())
    signed = [json.loads(line)["data"]["note"] for line in lines if b'"type":"log.checkpoint"' in line]
    for bad in (b"", forged.encode(), good.replace(b"vtcode", b"vtcodf", 1), *(one.encode() for one in signed)):
        mark.write_bytes(bad)
        assert verify(folder).layer == "root"
    mark.unlink()
    assert "high-water mark" in verify(folder).problems[0].text


async def test_an_older_mark_that_somebody_kept_is_not_told_from_a_crash(home: Home) -> None:
    folder = home.sessions / "2026" / "11" / "22" / FIRST
    bus = Bus(Journal.create(folder, FIRST))
    await bus.record(STARTED)
    await bus.record(a_call("c1")[3][0], call="c1", actor=MODEL)
    await marked(folder, 2)
    mark = home.audit / "watermarks" / FIRST
    kept, lines = mark.read_bytes(), lines_of(folder)
    await bus.record(a_call("c1")[4][0], call="c1", actor=POLICY)
    await marked(folder, 3)
    bus.journal.abandon()
    put(folder, lines)
    assert verify(folder).layer == "root"
    mark.write_bytes(kept)
    assert verify(folder).problems == ()


async def test_a_crash_while_a_session_is_opened_again_is_no_tampering_and_a_closed_one_leaves_no_mark(
    home: Home,
) -> None:
    folder = await crashed(home)
    mark = home.audit / "watermarks" / FIRST
    old = mark.read_bytes()
    again = Journal.reopen(folder)
    again.append(SessionResumed(from_session=FIRST, from_seq=1))
    again.flush()
    again.abandon()
    assert verify(folder).problems == ()
    # Killed after the opening was entered in the root log, and before the mark took the place of the old one.
    mark.rename(mark.with_name(f"{FIRST}.next"))
    mark.write_bytes(old)
    assert verify(folder).problems == ()
    Journal.reopen(folder).close()
    assert verify(folder).state == "sealed"
    assert list(mark.parent.iterdir()) == []


async def test_a_machine_without_another_thread_for_the_root_log_lets_nobody_wait_and_stops_the_session(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "journal-mark":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    bus = Bus(Journal.create(home.sessions / "2026" / "11" / "22" / FIRST, FIRST))
    async with asyncio.timeout(60):
        await bus.record(STARTED)
        with pytest.raises(JournalError, match="cannot be marked in the root log: can't start new thread"):
            for payload, call, actor in a_call("c0"):
                await bus.record(payload, call=call, actor=actor or SYSTEM)
    bus.journal.abandon()
