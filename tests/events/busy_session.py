"""A busy session in a process of its own, to be killed: prints the number of each durable event once it is durable.

usage: python -m tests.events.busy_session FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from vtcode_tui.events import Bus, Journal
from vtcode_tui.events.types import ExecOutput, PolicyDecided, SessionResumed, SessionStarted

STARTED = SessionStarted(
    vtcode="1",
    python="3",
    kernel="6",
    user="u",
    uid=1,
    host="h",
    pid=1,
    workspace="/w",
    trusted=True,
    config_sha256="",
    policy_sha256="",
    tier="full",
)


async def main(folder: Path) -> None:
    """Record until killed."""
    if (folder / "journal.jsonl").exists():
        bus = Bus(Journal.reopen(folder))
        await bus.record(SessionResumed(from_session=folder.name, from_seq=bus.journal.seq - 1))
    else:
        bus = Bus(Journal.create(folder, folder.name))
        await bus.record(STARTED)
    print("ready", flush=True)

    async def worker(name: int) -> None:
        for number in count():
            await bus.record(
                ExecOutput(offset=number, size=9, sha256="0" * 64, recording="r", text="x" * (number * 37 % 900))
            )
            event = await bus.record(
                PolicyDecided(
                    decision="allow", rule=f"{name}", reason="r" * 300, subject_sha256="0" * 64, policy_sha256=""
                )
            )
            sys.stdout.write(f"{event.seq} {event.id}\n")
            sys.stdout.flush()

    async with asyncio.TaskGroup() as group:
        for name in range(3):
            group.create_task(worker(name))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
