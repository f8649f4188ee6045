"""kill -9 at random moments: every acknowledged event is there, nothing looks like tampering, the session goes on.

A few times here; `VTCODE_KILLS=1000 pytest tests/events/test_crashes.py` is the long run.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from vtcode_tui.common.home import Home
from vtcode_tui.events import Journal, read_events, verify, verify_all
from vtcode_tui.events.types import Checkpoint, LogRecovered

KILLS = int(os.environ.get("VTCODE_KILLS", "8"))
OF_ONE = 50
"""So many of them hit the same session, which is continued each time."""


def kill_a_busy_session(folder: Path, after: int, random_: random.Random) -> dict[int, str]:
    """Run the session, kill it after so many acknowledged events; what it had acknowledged."""
    acknowledged: dict[int, str] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.events.busy_session", str(folder)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for line in process.stdout:
            seq, ident = line.split()
            acknowledged[int(seq)] = ident
            if len(acknowledged) >= after:
                # A moment that no event marks.
                for _ in range(random_.randrange(20_000)):
                    pass
                process.kill()
                break
        for line in process.stdout:
            if line.endswith("\n") and len(line.split()) == 2:
                acknowledged[int(line.split()[0])] = line.split()[1]
    return acknowledged


@pytest.mark.slow
@pytest.mark.timeout(7200 if KILLS > OF_ONE else 240)
def test_every_acknowledged_event_survives_a_kill_and_the_session_goes_on(home: Home) -> None:
    random_ = random.Random(4)
    for first in range(0, KILLS, OF_ONE):
        folder = home.sessions / "2026" / "11" / "22" / f"0197-killed-{first}"
        acknowledged: dict[int, str] = {}
        for _ in range(min(OF_ONE, KILLS - first)):
            acknowledged |= kill_a_busy_session(folder, random_.randrange(1, 60), random_)
            report = verify(folder)
            assert (report.state in {"open", "torn"}, report.problems) == (True, ())
        it_is_whole(folder, acknowledged)
    assert verify_all(home.sessions)[1] == []


def it_is_whole(folder: Path, acknowledged: dict[int, str]) -> None:
    there = {event.seq: event.id for event in read_events(folder)}
    assert {seq: there.get(seq) for seq in acknowledged} == acknowledged
    journal = Journal.reopen(folder)
    journal.close()
    report = verify(folder)
    assert (report.state, report.problems) == ("sealed", ())
    kinds = {type(event.data) for event in read_events(folder)}
    assert Checkpoint in kinds
    for event in read_events(folder):
        if isinstance(event.data, LogRecovered):
            assert (folder / event.data.file).stat().st_size == event.data.size
