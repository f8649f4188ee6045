"""Where the head of the root log is left while a session lives, and what became of it there."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.events.authority import time_stamping
from tests.events.conftest import STARTED, story, write
from tests.events.foreign import daemon
from tests.programs import running
from vtcode_tui.cli import main
from vtcode_tui.common.home import Home
from vtcode_tui.events import Anchoring, Bus, Journal, verify
from vtcode_tui.events.anchors import anchor_line, find_anchors
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.rootlog import RootHead, RootLog
from vtcode_tui.events.system_log import to_system_log
from vtcode_tui.events.timestamps import authorities, read_stamp
from vtcode_tui.events.types import PromptSubmitted

NAME = "0197a000-0000-7000-8000-000000000001"


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self._passed = timedelta()

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + self._passed

    def monotonic_ns(self) -> int:
        return int(self._passed.total_seconds() * 1e9)

    def advance(self, by: timedelta) -> None:
        self._passed += by


def folder_of(home: Home, name: str = NAME) -> Path:
    return home.sessions / "2026" / "11" / "22" / name


def root_lines(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.audit / "root.jsonl").read_bytes().splitlines()]


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Anchoring]:
    with time_stamping(tmp_path / "tsa") as url:
        yield Anchoring(("rfc3161",), url, str(tmp_path / "tsa" / "tsa.pem"))


def test_a_session_gets_a_time_stamp_at_its_start_and_at_its_end(
    home: Home, authority: Anchoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    journal = Journal.create(folder_of(home), NAME, anchoring=authority)
    write(journal, story(1))
    journal.close()
    tokens = sorted((home.audit / "anchors").glob("*.tsr"), key=lambda path: int(path.name.split("-")[0]))
    assert len(tokens) == 2
    trusted = authorities(Path(authority.rfc3161_ca))
    stamps = [read_stamp(token.read_bytes(), trusted) for token in tokens]
    assert all(stamp and stamp.trusted for stamp in stamps)
    kinds = [line["type"] for line in root_lines(home)]
    assert [kind for kind in kinds if kind != "mark"] == ["host.key", "open", "anchor", "close", "anchor"]
    command = ["audit", "verify", "last", "--timestamp-ca", authority.rfc3161_ca]
    assert main([*command, "--anchors", str(tokens[1])]) == 0
    assert main([*command, "--anchors", str(tokens[0])]) == 7, "the first is older than the end of the session"


def test_an_authority_that_is_not_the_trusted_one_gives_no_anchor(
    home: Home, authority: Anchoring, tmp_path: Path
) -> None:
    with time_stamping(tmp_path / "other"):
        wrong = Anchoring(("rfc3161",), authority.rfc3161_url, str(tmp_path / "other" / "tsa.pem"))
    journal = Journal.create(folder_of(home), NAME, anchoring=wrong)
    write(journal, story(1))
    journal.close()
    assert not (home.audit / "anchors").exists()
    said = [line["data"] for line in root_lines(home) if line["type"] == "anchor"]
    assert len(said) == 2
    assert all(one["where"] == [] and "gave no token for this digest" in one["failed"][0] for one in said)
    assert verify(folder_of(home)).state == "sealed"


def test_an_authority_that_is_away_neither_holds_up_nor_breaks_a_session(home: Home, unused_tcp_port: int) -> None:
    away = Anchoring(("rfc3161",), f"http://127.0.0.1:{unused_tcp_port}/")
    journal = Journal.create(folder_of(home), NAME, anchoring=away)
    write(journal, story(1))
    journal.close()
    assert verify(folder_of(home)).state == "sealed"
    assert any("does not answer" in str(line["data"].get("failed")) for line in root_lines(home))


async def test_a_long_session_is_anchored_every_five_minutes_and_marked_every_minute(
    home: Home, authority: Anchoring
) -> None:
    clock = Hands()
    bus = Bus(Journal.create(folder_of(home), NAME, clock=clock, anchoring=authority))
    await bus.record(STARTED)
    for minute in range(12):
        clock.advance(timedelta(minutes=1))
        await bus.record(PromptSubmitted(text=str(minute), sha256=""))
        await bus.journal.settle()
        # What is done in threads is done before time goes on.
        bus.journal._seal._wait()
        if bus.journal._seal._anchorage and (thread := bus.journal._seal._anchorage._thread):
            thread.join()
    await bus.close()
    kinds = [line["type"] for line in root_lines(home)]
    assert kinds.count("mark") >= 12
    assert kinds.count("anchor") == 1 + 2 + 1
    carried = [
        raw for raw in (folder_of(home) / "journal.jsonl").read_text().splitlines() if "vtcode-anchor" in raw
    ]
    assert len(carried) >= 12, "each mark is in the next checkpoint, and so with every exporter"
    assert verify(folder_of(home)).problems == ()


def test_journald_is_spoken_to_in_its_own_words(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        assert to_system_log("a line", journald=str(path)) == "journald"
        fields = dict(row.split("=", 1) for row in listening.recv(4096).decode().splitlines())
    assert (fields["MESSAGE"], fields["SYSLOG_IDENTIFIER"], fields["SYSLOG_FACILITY"]) == ("a line", "vtcode", "10")


JOURNALD = next(
    (
        path
        for path in ("/lib/systemd/systemd-journald", "/usr/lib/systemd/systemd-journald")
        if Path(path).exists()
    ),
    None,
)


@pytest.mark.slow
@pytest.mark.skipif(JOURNALD is None or not shutil.which("journalctl"), reason="systemd's journald is not here")
def test_systemd_journald_keeps_the_anchors_and_they_verify(home: Home, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine gives no mount namespace")
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    program = [sys.executable, "-m", "tests.events.in_a_machine_with_journald"]
    places = [str(JOURNALD), str(tmp_path / "machine-id"), str(tmp_path / "home")]
    done = subprocess.run(
        ["unshare", "-rm", *program, *places], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert len(find_anchors(done.stdout)) == 2
    folder = folder_of(home, "0197-journald")
    report = verify(folder, evidence=Evidence(done.stdout, given=True))
    assert (report.state, report.anchored) == ("sealed", True)
    assert "journald" in [where for line in root_lines(home) for where in line["data"].get("where", ())]


RSYSLOG = """
global(workDirectory="{folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log" CreatePath="on")
authpriv.notice action(type="omfile" file="{folder}/auth.log")
"""


@pytest.mark.slow
def test_rsyslog_keeps_an_anchor_from_its_socket_and_it_verifies(home: Home, tmp_path: Path) -> None:
    rsyslogd = daemon("rsyslogd", "usr/lib/*/rsyslog/imuxsock.so")
    journal = Journal.create(folder_of(home), NAME)
    write(journal, story(1))
    journal.close()
    size, head = len(root_lines(home)), (home.audit / "root.jsonl").read_bytes().splitlines()[-1]
    line = anchor_line(RootLog(home.audit, home.keys).host_key(), RootHead(size, hashlib.sha256(head).hexdigest()))
    (tmp_path / "r.conf").write_text(RSYSLOG.format(folder=tmp_path))
    command = [rsyslogd.program, "-n", "-f", str(tmp_path / "r.conf"), "-i", str(tmp_path / "pid")]
    command += ["-M", rsyslogd.modules] if rsyslogd.modules else []
    log = tmp_path / "auth.log"
    with running(command, env=rsyslogd.environ) as process:
        while not to_system_log(line, journald="", sockets=(str(tmp_path / "log"),)):
            assert process.poll() is None
        while not (log.exists() and "vtcode-anchor" in log.read_text()):
            assert process.poll() is None
    report = verify(folder_of(home), evidence=Evidence(log.read_text(), given=True))
    assert (report.state, report.anchored) == ("sealed", True)
