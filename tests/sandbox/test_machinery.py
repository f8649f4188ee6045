# ruff: noqa: E501 - scripts are kept whole
"""Nothing that a run does ends its supervisor, keeps the guard from restoring, or loses the report."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Limits, Profile
from vtcode_tui.sandbox.inner.job import LARGEST_MESSAGE, fitted
from vtcode_tui.sandbox.reported import outcome_of

pytestmark = [pytest.mark.kernel, pytest.mark.own_spawner]

PRELUDE = "import os,socket,struct,ctypes\nlibc=ctypes.CDLL(None)\nopen('.envrc','w').write('EVIL')\n"
DISTURBANCES = {
    "a folder too deep for recursion": "os.mkdir('.vscode'); os.chdir('.vscode'); open('tasks.json','w').write('EVIL')\nfor n in range(1500): os.mkdir('d'); os.chdir('d')",
    "a TCP socket and a unix path": "s=socket.socket(2,1) if FULL else socket.socket(1); a=struct.pack('=H',1)+b'own'; l=socket.socket(1); l.bind('own'); l.listen(); libc.connect(s.fileno(),a,len(a))",
    "a file and a unix path": "l=socket.socket(1); l.bind('own'); l.listen(); a=struct.pack('=H',1)+b'own'; libc.connect(os.open('.',0),a,len(a))",
    "addresses that are none": "s=socket.socket(1)\nfor a,n in ((b'',0),(b'x',1),(None,16),(b'\\x02\\x00x',3),(b'\\x0a\\x00x',3),(b'\\x01\\x00\\xff\\xfe',4),(b'x',-1)): libc.connect(s.fileno(),a,n)",
    "four hundred refused names": "s=socket.socket(1)\nfor n in range(400): a=struct.pack('=H',1)+b'%03d'%n+b'\\xff'*100; libc.connect(s.fileno(),a,len(a))",
    "sixty findings with long names": "for n in range(60):\n p='/'.join([f'{n:0240d}']*3); os.makedirs(p+'/objects'); os.mkdir(p+'/refs'); open(p+'/HEAD','w'); open(p+'/config','w').write('[core] fsmonitor=EVIL')",
    "a protected folder without rights": "os.mkdir('.vscode'); open('.vscode/tasks.json','w').write('EVIL'); os.chmod('.vscode',0)",
}


@pytest.fixture(autouse=True)
def deep(tmp_path: Path) -> Iterator[None]:
    """What the guard took away may be deeper than Python's own removal goes."""
    yield
    subprocess.run(["rm", "-rf", str(tmp_path / "scratch")], check=True)


@pytest.mark.parametrize("name", DISTURBANCES)
async def test_protected_paths_are_restored_and_reported_whatever_a_run_does(
    finish: Finish, profile: Profile, name: str, tier: str
) -> None:
    protected = replace(profile, protected=(profile.workspace / ".envrc", profile.workspace / ".vscode"))
    program = f"FULL={tier == 'full'}\n{PRELUDE}{DISTURBANCES[name]}"
    _text, outcome = await finish(grant_for(protected, "python3", "-c", program))
    assert (outcome.killed, outcome.setup_error) == ("", "")
    assert not (profile.workspace / ".envrc").exists()
    assert not os.path.lexists(profile.workspace / ".vscode")
    assert [d for d in outcome.denials if d.kind == "protected"]


async def test_a_listener_that_never_accepts_does_not_keep_the_limits_from_being_watched(
    finish: Finish, profile: Profile
) -> None:
    limited = replace(profile, limits=Limits(wall_seconds=1.5))
    # A connection that was refused is closed again: descriptors must not run out before the time does.
    program = (
        "import socket\nl = socket.socket(1); l.bind('own'); l.listen(0); kept = []\n"
        "while True:\n s = socket.socket(1)\n try: s.connect('own'); kept.append(s)\n except OSError: s.close()"
    )
    _text, outcome = await finish(grant_for(limited, "python3", "-c", program))
    # The listener is full: a supervisor that waited for it with each connection would never see that time is up.
    assert outcome.limit == "wall_seconds"


def test_a_message_always_fits_and_says_what_was_left_out() -> None:
    rows: list[object] = [{"path": "\udcff" * 300, "what": "changed"} for _ in range(300)]
    text = fitted({"exit": 0, "denials": list(rows), "protected": list(rows[:50])})
    assert len(text) <= LARGEST_MESSAGE
    assert b'"cut": ' in text
    assert b'"exit": 0' in text
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(text)
        assert theirs.recv(1 << 18) == text


def test_an_answer_that_nobody_could_read_is_none_and_the_run_has_ended() -> None:
    """What a worker answers may be nested as deep as it likes: an error here would leave its run without an end."""
    assert outcome_of({"exit": 0}, b"[" * 100_000, "").result is None


async def test_a_call_of_which_one_form_is_refused_is_named_with_that_form(
    finish: Finish, profile: Profile
) -> None:
    script = "import fcntl,os; f=open('f','w'); fcntl.fcntl(os.open('f',0),1024,0)"
    _text, outcome = await finish(grant_for(profile, "python3", "-c", script))
    assert "fcntl F_SETLEASE" in {denial.detail for denial in outcome.denials if denial.kind == "syscall"}
