"""A session on a disk of 3 MB that somebody else fills; prints what happened as one line of JSON.

usage: unshare -rm python -m tests.events.on_a_small_disk FOLDER
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.events.conftest import STARTED, a_call
from tests.events.in_a_machine_with_journald import mount
from vtcode_tui.common.errors import JournalError
from vtcode_tui.events import Bus, Journal, read_events, verify
from vtcode_tui.events.types import LogFailed, SessionResumed


async def main(disk: Path) -> None:
    mount("none", str(disk), b"tmpfs", options=b"size=3m")
    folder = disk / "state" / "sessions" / "2026" / "11" / "22" / "0197-full"
    bus = Bus(Journal.create(folder, folder.name))
    await bus.record(STARTED)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    acknowledged, ran, said = 0, 0, ""
    try:
        for number in range(10_000):
            for payload, call, _ in a_call(f"c{number}"):
                event = await bus.record(payload, call=call)
                acknowledged = event.seq
            ran += 1
    except JournalError as error:
        said = str(error)
    refused = ""
    try:
        await bus.record(STARTED)
    except JournalError as error:
        refused = str(error)
    bus.journal.abandon()
    last = list(read_events(folder))[-1]
    full = verify(folder)
    filler.unlink()
    bus = Bus(Journal.reopen(folder))
    await bus.record(SessionResumed(from_session=folder.name, from_seq=last.seq))
    await bus.close()
    again = verify(folder)
    answer = {
        "said": said,
        "refused": refused,
        "ran": ran,
        "kept": last.seq >= acknowledged,
        "last": last.type,
        "lost": last.data.lost if isinstance(last.data, LogFailed) else "",
        "full": [full.state, *(problem.text for problem in full.problems)],
        "again": [again.state, *(problem.text for problem in again.problems)],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
