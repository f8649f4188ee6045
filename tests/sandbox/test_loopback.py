"""Tier kernel has no network namespace, and still each run has a loopback of its own, and reaches no other."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Network, Profile, Spawner

pytestmark = [pytest.mark.kernel, pytest.mark.parametrize("tier", ["kernel"], indirect=True)]


@pytest.fixture
def host() -> Iterator[socket.socket]:
    """A service of the machine, at every address."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        server.setblocking(False)
        yield server


def _was_reached(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def _python(profile: Profile, code: str) -> tuple[Profile, str, str, str]:
    return profile, "python3", "-c", f"import socket, os, sys, threading, time\n{code}"


@pytest.mark.parametrize(
    ("asked", "family", "clients"),
    [
        ("127.0.0.1", "AF_INET", ["127.0.0.1", "127.3.2.1", "localhost", "0.0.0.0"]),
        ("0.0.0.0", "AF_INET", ["127.0.0.1", "localhost"]),
        ("::1", "AF_INET6", ["::1", "localhost"]),
        ("::", "AF_INET6", ["::1", "127.0.0.1"]),
    ],
)
async def test_a_run_reaches_its_own_server_by_every_name_that_the_machine_has(
    finish: Finish, profile: Profile, asked: str, family: str, clients: list[str]
) -> None:
    code = f"""
server = socket.create_server(({asked!r}, 0), family=socket.{family})
port = server.getsockname()[1]
for name in {[*clients]!r}:
    with socket.create_connection((name, port), 5) as client:
        peer = server.accept()[0]
        peer.sendall(b"served")
        print(name, client.recv(9).decode())
with socket.create_connection(server.getsockname()[:2], 5):
    print("by what the socket calls itself")
"""
    text, outcome = await finish(grant_for(*_python(profile, code)))
    assert text.splitlines() == [f"{name} served" for name in clients] + ["by what the socket calls itself"]
    assert outcome.exit_code == 0


async def test_a_server_in_a_child_is_reached_and_one_that_was_closed_is_refused_and_can_begin_anew(
    finish: Finish, profile: Profile
) -> None:
    code = """
for again in range(2):
    server = socket.create_server(("127.0.0.1", int(sys.argv[1]) if again else 0))
    port = server.getsockname()[1]
    sys.argv[1:] = [str(port)]
    if os.fork() == 0:
        server.accept()[0].sendall(b"child")
        os._exit(0)
    server.close()
    print(socket.create_connection(("127.0.0.1", port), 5).recv(9).decode())
    os.wait()
    try:
        socket.create_connection(("127.0.0.1", port), 5)
    except ConnectionRefusedError:
        print("refused")
"""
    text, _outcome = await finish(grant_for(*_python(profile, code)))
    assert text.split() == ["child", "refused", "child", "refused"]


async def test_one_run_does_not_reach_the_server_of_another(
    spawner: Spawner, finish: Finish, profile: Profile
) -> None:
    serve = """
server = socket.create_server(("127.0.0.1", 0))
print(*server.getsockname(), flush=True)
sys.stdin.read()
server.setblocking(False)
try:
    server.accept()
    print("reached")
except BlockingIOError:
    print("left alone")
"""
    flight = await spawner.run(grant_for(*_python(profile, serve)), stdin="pipe")
    output = flight.output()
    address, port = (await anext(output)).split()
    other = f"""
for host in ("127.0.0.1", "{address.decode()}", "localhost"):
    try:
        socket.create_connection((host, {int(port)}), 2)
        print("reached")
    except OSError as error:
        print(type(error).__name__)
"""
    text, outcome = await finish(grant_for(*_python(profile, other)))
    assert text.split() == ["ConnectionRefusedError"] * 3
    assert any("no server of this run" in denial.detail for denial in outcome.denials)
    flight.close_input()
    assert b"".join([piece async for piece in output]) == b"left alone\n"
    await flight.wait()


async def test_a_server_of_a_run_is_at_no_address_that_others_use(finish: Finish, profile: Profile) -> None:
    code = """
waiting = socket.socket()
waiting.listen()  # without bind: the kernel would take every address of the machine
for server in (socket.create_server(("", 0)), socket.create_server(("", 0), family=socket.AF_INET6), waiting):
    own = str(os.fstat(server.fileno()).st_ino)  # in tier kernel others' sockets of the same port are listed too
    rows = [line.split() for name in ("tcp", "tcp6") for line in open(f"/proc/net/{name}")]
    print(*(row[1] for row in rows if own in row))
"""
    text, _outcome = await finish(grant_for(*_python(profile, code)))
    places = [row.partition(":")[0] for row in text.split()]
    assert len(places) == 3
    # In the kernel's order of bytes: 127.x.y.z, and for the second ::ffff:127.x.y.z, of which none is 127.0.0.1.
    assert all(place[-8:].endswith("7F") and place[-8:] != "0100007F" for place in places), places


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket().connect(('127.0.0.1', PORT))",
        "x = socket.socket(); x.setsockopt(1, 2, 1); x.setsockopt(1, 15, 1); x.bind(('127.0.0.1', PORT))\n"
        "x.listen(); x.close(); socket.socket().connect(('127.0.0.1', PORT))",
        "x = socket.socket(); x.setsockopt(1, 15, 1); x.bind(('127.0.0.1', PORT)); x.connect(('127.0.0.1', PORT))",
        "x = socket.socket(); x.listen(); x.connect(('127.0.0.1', PORT))",
        "x = socket.socket(); x.bind(('127.0.0.1', 0)); x.connect(('127.0.0.1', PORT))",
        "socket.socket(10).connect(('::ffff:127.0.0.1', PORT))",
        "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', PORT))",
    ],
)
async def test_no_service_of_the_machine_is_reached(
    finish: Finish, profile: Profile, host: socket.socket, code: str
) -> None:
    text, outcome = await finish(grant_for(*_python(profile, code.replace("PORT", str(host.getsockname()[1])))))
    assert outcome.exit_code != 0, text
    assert not _was_reached(host)


_RACE = """
import ctypes, struct
sys.setswitchinterval(1e-5)
libc = ctypes.CDLL(None)
def inet(port):
    return struct.pack("=H", 2) + struct.pack("!H", port) + bytes([127, 0, 0, 1]) + bytes(94)
harmless, wanted = HARMLESS, inet(PORT)
memory = ctypes.create_string_buffer(102)
stop = []
def flip():
    while not stop:
        memory.raw = harmless
        memory.raw = wanted
threading.Thread(target=flip, daemon=True).start()
for _ in range(150):
    x = socket.socket()
    x.setblocking(False)
    CALL
    x.close()
stop.append(1)
print("tried")
"""


@pytest.mark.parametrize("harmless", ["bytes(102)", "struct.pack('=H', 1) + b'own'.ljust(100, bytes(1))"])
@pytest.mark.parametrize(
    "call",
    [
        "libc.connect(x.fileno(), memory, 16)",
        "libc.bind(x.fileno(), memory, 102); x.getsockname()[1] == PORT and x.listen()",
    ],
)
async def test_an_address_that_another_thread_exchanges_leads_nowhere(
    finish: Finish, profile: Profile, host: socket.socket, harmless: str, call: str
) -> None:
    code = _RACE.replace("HARMLESS", harmless).replace("CALL", call).replace("PORT", str(host.getsockname()[1]))
    text, _outcome = await finish(grant_for(*_python(profile, code)))
    assert text == "tried\n"
    assert not _was_reached(host)


async def test_the_port_of_the_proxy_opens_no_other_address(spawner: Spawner, profile: Profile) -> None:
    race = _RACE.replace("HARMLESS", "bytes(102)").replace("CALL", "libc.connect(x.fileno(), memory, 16)")
    code = f"""
port = int(os.environ["HTTP_PROXY"].rpartition(":")[2])
print(port, flush=True)
sys.stdin.read()
{race.replace("PORT", "port").replace("127, 0, 0, 1", "127, 0, 0, 2")}"""
    reaching = replace(profile, network=Network("hosts", ("example.com",)))
    flight = await spawner.run(grant_for(*_python(reaching, code)), stdin="pipe")
    output = flight.output()
    with socket.create_server(("127.0.0.2", int(await anext(output)))) as elsewhere:
        elsewhere.setblocking(False)
        flight.close_input()
        assert b"".join([piece async for piece in output]) == b"tried\n"
        assert (await flight.wait()).exit_code == 0
        assert not _was_reached(elsewhere)


async def test_the_ports_of_the_machine_that_a_run_can_hold_are_few(finish: Finish, profile: Profile) -> None:
    code = """
held = []
try:
    while len(held) < 1000:
        held.append(socket.create_server(("127.0.0.1", 0)))
except OSError as error:
    print(len(held), error.errno)
held.pop().close()
held.append(socket.create_server(("127.0.0.1", 0)))
print("again")
"""
    text, _outcome = await finish(grant_for(*_python(profile, code)))
    assert text.split() == ["64", "105", "again"]


async def test_a_socket_that_must_not_block_does_not_after_connecting(
    finish: Finish, profile: Profile, workspace: Path
) -> None:
    code = """
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX); unix.bind("s"); unix.listen()
for family, address in ((socket.AF_INET, tcp.getsockname()), (socket.AF_UNIX, "s")):
    x = socket.socket(family); x.setblocking(False); x.connect_ex(address)
    y = socket.socket(family); y.connect(address)
    print(os.get_blocking(x.fileno()), os.get_blocking(y.fileno()))
"""
    text, _outcome = await finish(grant_for(*_python(profile, code)))
    assert text.splitlines() == ["False True"] * 2


async def test_many_clients_at_once_are_served(finish: Finish, profile: Profile) -> None:
    code = """
import asyncio
async def main():
    async def serve(reader, writer):
        writer.write(await reader.readline()); writer.close()
    server = await asyncio.start_server(serve, "localhost", 0)
    port = server.sockets[0].getsockname()[1]
    async def ask(number):
        reader, writer = await asyncio.open_connection(server.sockets[0].getsockname()[0], port)
        writer.write(b"%d\\n" % number)
        answer = await reader.readline(); writer.close()
        return int(answer)
    print(sum(await asyncio.gather(*map(ask, range(60)))))
asyncio.run(main())
"""
    text, outcome = await asyncio.wait_for(finish(grant_for(*_python(profile, code))), 50)
    assert (text, outcome.exit_code) == ("1770\n", 0)
