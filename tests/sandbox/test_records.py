"""What Landlock refused, from the machine's audit, where that may be read."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import grant_for
from vtcode_tui.sandbox import Profile, Spawner, probe, records
from vtcode_tui.sandbox.inner import kernel

_SET, _ENABLED = 1001, 1


def _message(kind: int, text: str) -> bytes:
    body = f"audit(1795729527.748:104): {text}".encode()
    return struct.pack("=IHHII", len(body), kind, 0, 0, 0) + body


async def test_refused_paths_are_known_by_the_process_that_began_the_run() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        heard = records.Records(ours)
        blocked = 'domain=1fc7d4aea blockers=fs.{} path={} dev="vda" ino=1'
        for kind, text in (
            (1423, blocked.format("read_file", '"/home/u/a b"')),
            (1424, 'domain=1fc7d4aea status=allocated mode=enforcing pid=77 uid=0 exe="/usr/bin/x" comm="x"'),
            (1300, blocked.format("read_file", '"/of/another/kind"')),
            (1423, blocked.format("make_reg,fs.write_file", "2F746D702F0A")),
            (1423, "domain=1fc7d4aea blockers=scope.signal opid=1 ocomm=init"),
            (1423, blocked.format("read_dir", '"/of/another/run"').replace("1fc7d4aea", "2")),
            (1424, "domain=1fc7d4aea status=deallocated denials=3"),
        ):
            theirs.send(_message(kind, text))
        assert heard.of(77) == [("/home/u/a b", False), ("/tmp/\n", True)]
        assert heard.of(78) == []
        heard.close()


async def test_odd_messages_are_not_taken_for_records() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        heard = records.Records(ours)
        for odd in (b"", b"x", bytes(16), _message(1423, ""), _message(1423, "domain=1 blockers=fs.x path=2F7")):
            heard.note(odd)
        for number in range(1000):
            heard.note(_message(1423, f'domain={number:x} blockers=fs.read_file path="/{number}"'))
            heard.note(_message(1424, f"domain={number:x} status=allocated mode=enforcing pid={number} uid=0"))
        assert heard.of(999) == [("/999", False)]
        assert heard.of(1) == []
        heard.close()


def test_where_nothing_can_be_read_it_is_said_why() -> None:
    heard, why = records.source()
    assert (heard is None) == ("are read" not in why)
    assert "audit" in why
    if heard is not None:
        heard.close()


@pytest.mark.kernel
async def test_the_doctor_says_where_the_names_of_refused_paths_come_from(spawner: Spawner) -> None:
    (landlock,) = [finding for finding in (await probe(spawner)).findings if finding.name == "landlock"]
    assert landlock.works
    assert "refused paths are" in landlock.detail
    assert "audit" in landlock.detail


@pytest.fixture
def audited() -> Iterator[None]:
    """The machine's audit, switched on for a moment where it is not."""
    if os.getuid() != 0 or kernel.landlock_abi() < 7:
        pytest.skip("takes root and Landlock 7")
    heard, _why = records.source()
    if heard is not None:
        heard.close()
        yield
        return
    with contextlib.ExitStack() as stack:
        asked = stack.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9))
        asked.bind((0, 0))

        def switch(on: int) -> None:
            asked.send(struct.pack("=IHHII", 60, _SET, 5, 1, 0) + struct.pack("=11I", _ENABLED, on, *[0] * 9))

        switch(1)
        stack.callback(switch, 0)
        heard, why = records.source()
        if heard is None:
            pytest.skip(why)
        heard.close()
        yield


@pytest.mark.kernel
@pytest.mark.parametrize("tier", ["kernel"], indirect=True)
async def test_a_path_that_the_program_does_not_name_is_named(
    audited: None, spawner: Spawner, profile: Profile, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("x")
    readable = replace(profile, writable=(profile.workspace,))
    code = f"import os\ntry: os.open({str(tmp_path / 'data' / 'file')!r}, 0)\nexcept OSError: os._exit(3)"
    flight = await spawner.run(grant_for(readable, "python3", "-c", code))
    outcome = await flight.wait()
    assert outcome.exit_code == 3
    assert any("data/file" in denial.detail and denial.audience == "people" for denial in outcome.denials)
