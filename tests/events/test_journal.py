"""The file of a session: created once, owned by one process, continued after a crash."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import uuid
from pathlib import Path

import pytest

from vtcode_tui.common.errors import JournalError
from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, locate, read_events
from vtcode_tui.events.event_ids import ordered_ids
from vtcode_tui.events.types import LogRecovered, PromptSubmitted


def prompt(text: str) -> PromptSubmitted:
    return PromptSubmitted(text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def test_each_line_ends_with_the_digest_of_the_line_before(journal: Journal) -> None:
    for text in ("one", "two", "three"):
        journal.append(prompt(text))
    lines = journal.path.read_bytes().splitlines()
    assert lines[0].endswith(b'"prev":"' + b"0" * 64 + b'"}')
    for before, line in itertools.pairwise(lines):
        assert line.endswith(b'"prev":"' + hashlib.sha256(before).hexdigest().encode() + b'"}')


def test_files_and_folders_are_closed_to_others(journal: Journal) -> None:
    assert journal.path.stat().st_mode & 0o777 == 0o600
    assert journal.folder.stat().st_mode & 0o777 == 0o700


def test_a_second_journal_of_the_same_session_is_refused(journal: Journal) -> None:
    with pytest.raises(JournalError, match="cannot be created"):
        Journal.create(journal.folder, "again")
    with pytest.raises(JournalError, match="in use by another"):
        Journal.reopen(journal.folder)


def _try_to_open(folder: Path, answers: multiprocessing.Queue[str]) -> None:
    try:
        Journal.reopen(folder)
        answers.put("opened")
    except JournalError as error:
        answers.put(str(error))


def test_two_processes_never_share_a_journal(journal: Journal) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    other = context.Process(target=_try_to_open, args=(journal.folder, answers))
    other.start()
    assert "in use by another" in answers.get(timeout=60)
    other.join()


def test_a_cut_at_any_byte_loses_no_whole_line_and_is_not_taken_for_tampering(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "whole", "s")
    for text in ("one", "two", "three"):
        journal.append(prompt(text))
    journal.abandon()
    whole = journal.path.read_bytes()
    for cut in range(0, len(whole) + 1, 1 if os.environ.get("VTCODE_SOAK") else 9):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(whole[:cut])
        reopened = Journal.reopen(folder)
        reopened.append(prompt("after"))
        reopened.close()
        events = list(read_events(folder))
        assert [event.seq for event in events] == list(range(len(events)))
        kept = [event for event in events if not isinstance(event.data, LogRecovered)]
        unended = whole[cut : cut + 1] == b"\n"
        assert len(kept) == whole[:cut].count(b"\n") + unended + 2
        torn = [event.data for event in events if isinstance(event.data, LogRecovered)]
        if torn:
            assert (folder / torn[0].file).read_bytes() == whole[:cut].rpartition(b"\n")[2]
            assert hashlib.sha256((folder / torn[0].file).read_bytes()).hexdigest() == torn[0].sha256


def test_a_broken_chain_is_never_continued(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "s", "s")
    for text in ("one", "two", "three"):
        journal.append(prompt(text))
    journal.abandon()
    journal.path.write_bytes(journal.path.read_bytes().replace(b"two", b"TWO"))
    with pytest.raises(JournalError, match="is not continued: event 1 is not what event 2 names"):
        Journal.reopen(journal.folder)


def test_a_symlink_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"")
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "journal.jsonl").symlink_to(target)
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal.reopen(folder)


def test_a_closed_journal_refuses_events_and_gives_the_reserve_back(journal: Journal) -> None:
    assert (journal.folder / ".reserve").stat().st_size == 1 << 20
    journal.close()
    assert not (journal.folder / ".reserve").exists()
    with pytest.raises(JournalError, match="is closed"):
        journal.append(prompt("late"))


def test_a_session_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    home = Home.from_environment({"VTCODE_HOME": str(tmp_path)})
    for name in ("0197aaaa", "0197bbbb"):
        Journal.create(home.sessions / "2026" / "11" / "22" / name, name).close()
    assert locate(home, "0197b").name == "0197bbbb"
    assert locate(home, "last").name == "0197bbbb"
    assert locate(home, str(locate(home, "0197a"))).name == "0197aaaa"
    with pytest.raises(Exception, match="2 sessions begin with"):
        locate(home, "0197")
    with pytest.raises(Exception, match="no session"):
        locate(home, "zzz")


def test_ids_of_events_are_uuids_of_version_7_in_order() -> None:
    fresh = ordered_ids()
    made = [fresh() for _ in range(5000)]
    assert len(set(made)) == 5000
    assert made == sorted(made)
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in made} == {(7, uuid.RFC_4122)}
    assert fresh()[-12:] != ordered_ids()()[-12:]
