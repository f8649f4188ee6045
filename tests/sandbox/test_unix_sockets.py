# ruff: noqa: E501 - programs of a run are kept whole
"""Unix sockets in the workspace: a run reaches its own servers, and nobody else's whenever they came."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Profile, Spawner
from vtcode_tui.sandbox.inner import births

pytestmark = pytest.mark.kernel

CLIENT = """
import os, socket, sys
sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.readline()
for bound in (False, True):
    for place in ('late.sock', 'link.sock', 'renamed.sock') if not bound else ('late.sock', 'renamed.sock'):
        s = socket.socket(socket.AF_UNIX)
        if bound: s.bind(f'own-{place}')
        if place == 'link.sock' and not bound: os.link('late.sock', place)
        if place == 'renamed.sock' and not bound: os.rename('link.sock', place)
        try: s.connect(place); s.sendall(b'taken out'); print('reached', place)
        except OSError as error: print(type(error).__name__)
"""

OWN = """
import asyncio, os, socket, struct
async def main():
    async def answer(reader, writer): writer.write(await reader.readline()); await writer.drain(); writer.close()
    server = await asyncio.start_unix_server(answer, 'a.sock')
    for _ in range(3):
        reader, writer = await asyncio.open_unix_connection('a.sock'); writer.write(b'echo\\n'); print((await reader.readline()).decode().strip())
        writer.close()
    server.close()
asyncio.run(main())
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind('b.sock'); s.listen(1)
if os.fork() == 0:
    c, _ = s.accept(); c.send(c.recv(9)); os._exit(0)
s.close()  # like a daemon: who listened is gone, and its child serves
c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); c.settimeout(60); c.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
c.connect('b.sock'); c.send(b'packet'); print(c.recv(9).decode(), c.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED), c.get_inheritable())
try: c.connect('b.sock')
except OSError as error: print(error.strerror)
"""


async def test_a_socket_that_somebody_outside_makes_while_a_run_lasts_is_not_reached(
    spawner: Spawner, profile: Profile
) -> None:
    flight = await spawner.run(grant_for(profile, "python3", "-c", CLIENT), stdin="pipe")
    output = flight.output()
    text = b""
    while b"ready" not in text:
        text += await anext(output)
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(Path(profile.workspace, "late.sock")))
        theirs.listen(8)
        theirs.settimeout(0.1)
        flight.write(b"go\n")
        flight.close_input()
        text += b"".join([piece async for piece in output])
        outcome = await flight.wait()
        said = []
        try:
            while True:
                with theirs.accept()[0] as visit:
                    said.append(visit.recv(99))
        except TimeoutError:
            pass
    assert text.decode().split() == ["ready", *["PermissionError"] * 5], text
    assert b"".join(said) == b""
    assert any("late.sock" in denial.detail for denial in outcome.denials)


async def test_a_run_reaches_its_own_servers_at_paths(finish: Finish, profile: Profile) -> None:
    text, outcome = await finish(grant_for(profile, "python3", "-c", OWN))
    assert text.split("\n") == ["echo"] * 3 + ["packet 1 False", "Transport endpoint is already connected", ""]
    assert (outcome.exit_code, outcome.denials) == (0, ())


def test_a_socket_made_right_before_a_run_is_older_than_the_run_and_one_of_its_own_is_not(tmp_path: Path) -> None:
    def made(name: str) -> int:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(tmp_path / name))
        file = os.open(tmp_path / name, os.O_PATH)
        try:
            return births.born_ns(file)
        finally:
            os.close(file)

    for number in range(50):  # within a few of the kernel's ticks
        touched = tmp_path / f"touched-{number}"
        touched.touch()
        touched.stat()
        touched.chmod(0o600)  # its time is exact, ahead of the kernel's coarse clock, and so are all after it
        before = made(f"before-{number}")
        begun = births.moment(str(tmp_path))
        assert before < begun <= made(f"after-{number}")
