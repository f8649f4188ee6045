"""Live export: everything arrives, in order, also when the receiver was away; the chain holds through rsyslog."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.certificates import Authority, showing
from tests.events.foreign import daemon
from tests.programs import running
from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Exporter
from vtcode_tui.events import Bus, Journal, read_events
from vtcode_tui.events.export.live import Shipping
from vtcode_tui.events.export.offsets import folder_of
from vtcode_tui.events.export.receivers import receiver
from vtcode_tui.events.lines import read_lines
from vtcode_tui.events.types import PromptSubmitted

MakeSession = Callable[..., Path]


def prompt(text: str) -> PromptSubmitted:
    return PromptSubmitted(text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


async def at_once(seconds: float) -> None:
    """No time passes, but everything else has its turn."""
    await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def shipping(shipper: Shipping, folder: Path) -> AsyncIterator[None]:
    task = asyncio.ensure_future(shipper.run(folder))
    # Run it up to its first look at the journal.
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await shipper.close()


def chained(lines: list[bytes]) -> bool:
    head = "0" * 64
    for line in lines:
        if not line.endswith(f'"prev":"{head}"}}'.encode()):
            return False
        head = hashlib.sha256(line).hexdigest()
    return True


async def test_a_file_receives_every_event_of_a_running_session_byte_for_byte(home: Home, tmp_path: Path) -> None:
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    bus = Bus(Journal.create(folder, "s1"))
    target = tmp_path / "copy.jsonl"
    shipper = Shipping([Exporter(kind="file", target=str(target))], home)
    bus.subscribe(shipper.hear)
    async with shipping(shipper, folder):
        for number in range(700):
            await bus.record(prompt(f"number {number}"))
        await bus.close()
        assert await shipper.drain(30)
    assert target.read_bytes() == (folder / "journal.jsonl").read_bytes()


async def test_a_program_that_starts_again_sends_what_was_left_and_nothing_twice(
    session: MakeSession, home: Home, tmp_path: Path
) -> None:
    target = tmp_path / "copy.jsonl"
    exporter = Exporter(kind="file", target=str(target))
    first, second = session("0197a000-0000-7000-8000-00000000000a"), session("0197a000-0000-7000-8000-00000000000b")
    shipper = Shipping([exporter], home)
    async with shipping(shipper, first):
        assert await shipper.drain(30)
    journal = Journal.reopen(first)
    journal.append(prompt("later"))
    journal.close()
    shipper = Shipping([exporter], home)
    async with shipping(shipper, second):
        assert await shipper.drain(30)
    lines = target.read_bytes().splitlines()
    assert lines == [*read_lines(first), *read_lines(second)]


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """A server on loopback; at the end every connection is closed and every handler has returned."""
    writers: list[asyncio.StreamWriter] = []
    ended: list[asyncio.Event] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        ended.append(asyncio.Event())
        mine = ended[-1]
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            mine.set()

    server = await asyncio.start_server(take, "127.0.0.1", port, ssl=tls)
    try:
        yield
    finally:
        server.close()
        for writer in writers:
            writer.close()
        for event in ended:
            await event.wait()


class Listener:
    """A syslog receiver that takes octet-counted frames, and can hang up."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._more = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                size = int(await reader.readuntil(b" "))
                self.frames.append(await reader.readexactly(size))
                self._more.set()

    async def wait(self, enough: Callable[[], bool]) -> None:
        while not enough():
            self._more.clear()
            await self._more.wait()


async def test_a_receiver_that_was_away_gets_everything_once_it_is_back(home: Home, unused_tcp_port: int) -> None:
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    bus = Bus(Journal.create(folder, "s1"))
    shipper = Shipping([Exporter(kind="syslog", target=f"tcp://127.0.0.1:{unused_tcp_port}")], home, pause=at_once)
    bus.subscribe(shipper.hear)
    listener = Listener()
    async with shipping(shipper, folder):
        for number in range(40):
            await bus.record(prompt(f"unheard {number}"))
        async with serving(listener.take, unused_tcp_port):
            await listener.wait(lambda: len(listener.frames) >= 40)
        for number in range(40):
            await bus.record(prompt(f"hung up {number}"))
        async with serving(listener.take, unused_tcp_port):
            await bus.close()
            assert await shipper.drain(30)
            sent = {event.id for event in read_events(folder)}
            await listener.wait(lambda: {got(frame)["id"] for frame in listener.frames} == sent)
    unique = list(dict.fromkeys(line_of(frame) for frame in listener.frames))
    assert sorted(unique, key=lambda line: json.loads(line)["seq"]) == list(read_lines(folder))


async def test_syslog_over_tls_goes_to_the_server_that_the_authority_vouches_for_and_to_no_other(
    home: Home, session: MakeSession, tmp_path: Path, unused_tcp_port: int
) -> None:
    folder, listener, authority = session(), Listener(), Authority(tmp_path)
    tls = showing(Authority(tmp_path, "somebody").certificate())
    target = f"tls://127.0.0.1:{unused_tcp_port}"
    refused = asyncio.Event()

    async def pause(seconds: float) -> None:
        refused.set()
        await asyncio.sleep(0)

    exporter = Exporter(kind="syslog", target=target, format="rfc5424", ca_file=str(authority.file))
    shipper = Shipping([exporter], home, pause=pause)
    async with serving(listener.take, unused_tcp_port, tls), shipping(shipper, folder):
        await refused.wait()
        assert listener.frames == []
        tls.load_cert_chain(authority.certificate())
        assert await shipper.drain(30)
        sent = list(read_lines(folder))
        await listener.wait(lambda: len({line_of(frame) for frame in listener.frames}) == len(sent))
    assert list(dict.fromkeys(line_of(frame) for frame in listener.frames)) == sent


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.put_nowait(data)


async def test_syslog_over_udp_is_one_datagram_for_each_event(home: Home, session: MakeSession) -> None:
    folder, datagrams = session(calls=1), _Datagrams()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: datagrams, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    shipper = Shipping([Exporter(kind="syslog", target=f"udp://127.0.0.1:{port}", format="rfc5424")], home)
    try:
        async with shipping(shipper, folder):
            assert await shipper.drain(30)
            lines = [line_of(await datagrams.came.get()) for _ in read_lines(folder)]
    finally:
        transport.close()
    assert lines == list(read_lines(folder))
    assert chained(lines)


async def test_a_receiver_that_is_away_for_an_hour_loses_nothing_and_holds_nothing_up(
    home: Home, unused_tcp_port: int
) -> None:
    folder = home.sessions / "2026" / "11" / "22" / "s1"
    bus = Bus(Journal.create(folder, "s1"))
    passed: list[float] = []
    an_hour, listener = asyncio.Event(), Listener()

    async def pause(seconds: float) -> None:
        passed.append(seconds)
        if sum(passed) >= 3600:
            an_hour.set()
            await back.wait()
            return
        await bus.record(prompt(f"after {sum(passed)} s"))

    back = asyncio.Event()
    exporter = Exporter(kind="syslog", target=f"tcp://127.0.0.1:{unused_tcp_port}")
    shipper = Shipping([exporter], home, pause=pause)
    bus.subscribe(shipper.hear)
    async with shipping(shipper, folder):
        await bus.record(prompt("first"))
        await an_hour.wait()
        assert max(passed) == 60, "it is asked again every minute at most"
        async with serving(listener.take, unused_tcp_port):
            back.set()
            await bus.close()
            assert await shipper.drain(30)
            sent = list(read_lines(folder))
            await listener.wait(lambda: len({line_of(frame) for frame in listener.frames}) == len(sent))
    assert list(dict.fromkeys(line_of(frame) for frame in listener.frames)) == sent


def line_of(frame: bytes) -> bytes:
    return frame[frame.index(b"] {") + 2 :]


def got(frame: bytes) -> dict[str, str]:
    value: dict[str, str] = json.loads(line_of(frame))
    return value


def created(documents: int) -> str:
    """What Elasticsearch answers; the others do not look at it."""
    return json.dumps({"errors": False, "items": [{"create": {"status": 201}}] * documents})


class Web:
    """A web server that remembers bodies and answers as it is told."""

    def __init__(self, answers: list[tuple[int, str | Callable[[int], str]]]) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self._answers = answers

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = {
                    name.lower(): value
                    for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:] if line)
                }
                body = (await reader.readexactly(int(fields["content-length"]))).decode()
                self.requests.append((head.split(" ")[1], fields.get("authorization", ""), body))
                status, said = self._answers.pop(0) if self._answers else (200, created)
                text = said if isinstance(said, str) else said(body.count("\n") // 2)
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())
                await writer.drain()


@pytest.mark.parametrize(
    ("kind", "paths", "token"),
    [
        ("otlp", {"/v1/logs", "/v1/traces"}, "Bearer tok"),
        ("hec", {"/services/collector/event"}, "Splunk tok"),
        ("elastic", {"/_bulk"}, "ApiKey tok"),
    ],
)
async def test_receivers_over_http_get_what_was_refused_at_first(
    session: MakeSession,
    home: Home,
    unused_tcp_port: int,
    kind: str,
    paths: set[str],
    token: str,
) -> None:
    folder = session()
    web = Web([(503, "")])
    exporter = Exporter.model_validate(
        {"kind": kind, "target": f"http://127.0.0.1:{unused_tcp_port}", "token_env": "TOKEN"}
    )
    shipper = Shipping([exporter], home, environ={"TOKEN": "tok"}, pause=at_once)
    async with serving(web.take, unused_tcp_port), shipping(shipper, folder):
        assert await shipper.drain(30)
    assert {path for path, _, _ in web.requests} == paths
    assert {said for _, said, _ in web.requests} == {token}
    refused, *taken = web.requests
    assert refused in taken or kind == "otlp"
    for line in read_lines(folder):
        ident = json.loads(line)["id"]
        assert any(ident in body for _, _, body in taken)


REFUSED, NEW = {"create": {"status": 429}}, {"create": {"status": 201}}
PORTAL = "<html>Log in to the network of this hotel</html>"
NONSENSE = [
    *((kind, PORTAL) for kind in ("otlp", "hec", "elastic")),
    *((kind, "[1]") for kind in ("otlp", "hec", "elastic")),
    *((kind, "[" * 100_000) for kind in ("otlp", "elastic")),
    ("hec", '{"text": "Invalid token", "code": 4}'),
    ("elastic", "{}"),
    ("elastic", '{"items": "all of them"}'),
    ("elastic", '{"items": []}'),
]


@pytest.mark.parametrize(("kind", "nonsense"), NONSENSE, ids=[f"{kind} {said[:12]}" for kind, said in NONSENSE])
async def test_an_answer_that_no_receiver_gives_is_no_receipt(
    session: MakeSession, home: Home, unused_tcp_port: int, kind: str, nonsense: str
) -> None:
    folder, web = session(), Web([(200, nonsense), (200, nonsense)])
    exporter = Exporter.model_validate({"kind": kind, "target": f"http://127.0.0.1:{unused_tcp_port}"})
    async with (
        serving(web.take, unused_tcp_port),
        shipping(shipper := Shipping([exporter], home, pause=at_once), folder),
    ):
        assert await shipper.drain(30)
    bodies = [body for path, _, body in web.requests if not path.endswith("traces")]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]


async def test_an_answer_without_an_end_is_given_up_and_costs_no_memory(
    session: MakeSession, home: Home, unused_tcp_port: int
) -> None:
    web, sent = Web([]), 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        if sent:
            await web.take(reader, writer)
            return
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\n\r\n")
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                writer.write(b" " * (1 << 20))
                sent += 1 << 20
                await writer.drain()

    exporter = Exporter(kind="hec", target=f"http://127.0.0.1:{unused_tcp_port}")
    shipper = Shipping([exporter], home, pause=at_once)
    async with serving(endless, unused_tcp_port), shipping(shipper, session()):
        assert await shipper.drain(30)
    assert 0 < sent < 64 << 20
    assert len(web.requests) == 1


@pytest.mark.parametrize("damage", ["changed", "pipe"])
async def test_a_damaged_session_of_before_keeps_no_later_one_from_its_receiver(
    session: MakeSession, home: Home, tmp_path: Path, damage: str
) -> None:
    target = tmp_path / "copy.jsonl"
    exporter = Exporter(kind="file", target=str(target))
    old, new = session("0197a000-0000-7000-8000-00000000000a"), session("0197a000-0000-7000-8000-00000000000b")
    place = folder_of(home.audit, exporter)
    place.mkdir(parents=True)
    (place / old.name).write_text("0\n")
    journal = old / "journal.jsonl"
    if damage == "pipe":
        journal.unlink()
        os.mkfifo(journal)
    else:
        journal.write_bytes(b"nonsense\n" + journal.read_bytes())
    shipper = Shipping([exporter], home)
    async with shipping(shipper, new):
        assert await shipper.drain(30)
    assert target.read_bytes().splitlines()[-1] == list(read_lines(new))[-1]


@pytest.mark.parametrize("position", ["7", "99999999999", "-1", "x", ""])
async def test_a_position_that_nobody_wrote_sends_twice_rather_than_never(
    session: MakeSession, home: Home, tmp_path: Path, position: str
) -> None:
    folder, target = session(), tmp_path / "copy.jsonl"
    exporter = Exporter(kind="file", target=str(target))
    place = folder_of(home.audit, exporter)
    place.mkdir(parents=True)
    (place / folder.name).write_text(position)
    shipper = Shipping([exporter], home)
    async with shipping(shipper, folder):
        assert await shipper.drain(30)
    assert target.read_bytes() == (folder / "journal.jsonl").read_bytes()


async def test_a_pipe_that_nobody_reads_is_a_receiver_that_is_away(
    session: MakeSession, home: Home, tmp_path: Path
) -> None:
    pipe, tried = tmp_path / "pipe", asyncio.Event()
    os.mkfifo(pipe)

    async def pause(seconds: float) -> None:
        tried.set()
        await asyncio.sleep(3600)

    shipper = Shipping([Exporter(kind="file", target=str(pipe))], home, pause=pause)
    async with shipping(shipper, session()):
        await tried.wait()
        assert not await shipper.drain(0.01)


async def test_a_document_that_exists_already_counts_as_taken_and_a_refused_one_does_not(
    session: MakeSession, home: Home, unused_tcp_port: int
) -> None:
    answers: list[tuple[int, str | Callable[[int], str]]] = [
        (200, lambda count: json.dumps({"items": [*[{"create": {"status": 201}}] * (count - 1), REFUSED]})),
        (200, lambda count: json.dumps({"items": [*[{"create": {"status": 409}}] * (count - 1), NEW]})),
    ]
    web = Web(answers)
    shipper = Shipping(
        [Exporter(kind="elastic", target=f"http://127.0.0.1:{unused_tcp_port}")], home, pause=at_once
    )
    async with serving(web.take, unused_tcp_port), shipping(shipper, session()):
        assert await shipper.drain(30)
    assert len(web.requests) == 2


@pytest.mark.parametrize(
    ("target", "kind"), [("host:514", "syslog"), ("http://h", "syslog"), ("ftp://h", "otlp"), ("h", "hec")]
)
def test_a_target_that_cannot_be_is_an_error_at_once(target: str, kind: str) -> None:
    with pytest.raises(ConfigError):
        receiver(Exporter.model_validate({"kind": kind, "target": target}))


def test_a_token_that_is_not_set_is_an_error_at_once() -> None:
    with pytest.raises(ConfigError, match="NO_SUCH_TOKEN"):
        receiver(Exporter(kind="hec", target="https://h", token_env="NO_SUCH_TOKEN"), {})


RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="256k")
module(load="imtcp" maxSessions="10")
module(load="mmjsonparse")
input(type="imtcp" port="{port}" address="127.0.0.1" supportOctetCountedFraming="on")
template(name="whole" type="string" string="%msg%\\n")
action(type="mmjsonparse" cookie="")
if $parsesuccess == "OK" then action(type="omfile" file="{folder}/parsed.jsonl" template="whole")
else action(type="omfile" file="{folder}/failed" template="whole")
"""


@pytest.mark.slow
async def test_the_chain_still_verifies_after_rsyslog_took_the_events(
    session: MakeSession, home: Home, tmp_path: Path, unused_tcp_port: int
) -> None:
    rsyslogd = daemon("rsyslogd", "usr/lib/*/rsyslog/imtcp.so")
    folder, configuration = session(), tmp_path / "rsyslog.conf"
    configuration.write_text(RSYSLOG.format(folder=tmp_path, port=unused_tcp_port))
    command = [rsyslogd.program, "-f", str(configuration), *(["-M", rsyslogd.modules] if rsyslogd.modules else [])]
    checked = subprocess.run([*command, "-N1"], capture_output=True, text=True, check=False, env=rsyslogd.environ)
    assert checked.returncode == 0, checked.stderr
    shipper = Shipping([Exporter(kind="syslog", target=f"tcp://127.0.0.1:{unused_tcp_port}")], home, pause=at_once)
    expected = len(list(read_lines(folder)))
    parsed = tmp_path / "parsed.jsonl"
    with running([*command, "-n", "-i", str(tmp_path / "pid")], env=rsyslogd.environ) as process:
        async with shipping(shipper, folder):
            assert await shipper.drain(60)
            while not parsed.exists() or parsed.read_bytes().count(b"\n") < expected:
                assert process.poll() is None, "rsyslogd ended by itself"
                await asyncio.sleep(0.05)
    assert not (tmp_path / "failed").exists()
    lines = [line.lstrip() for line in parsed.read_bytes().splitlines()]
    assert lines == list(read_lines(folder))
    assert chained(lines)
    done = subprocess.run(
        ["sh", "vtcode_tui/events/verify.sh", str(folder / "journal.jsonl")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"ok {expected} {hashlib.sha256(lines[-1]).hexdigest()}\n"


SYSLOG_NG = """@version: 3.38
source s {{ syslog(transport("tcp") ip("127.0.0.1") port({port})); }};
parser p {{ json-parser(prefix(".j.")); }};
destination d {{ file("{folder}/parsed.jsonl" template("$MESSAGE\\n")); }};
destination n {{ file("{folder}/numbers" template("${{.j.seq}}\\n")); }};
options {{ log-msg-size(262144); keep-hostname(yes); }};
log {{ source(s); parser(p); destination(d); destination(n); }};
"""


@pytest.mark.slow
async def test_the_chain_still_verifies_after_syslog_ng_took_the_events(
    session: MakeSession, home: Home, tmp_path: Path, unused_tcp_port: int
) -> None:
    syslog_ng = daemon("syslog-ng", "usr/lib/syslog-ng/*/libsyslogformat.so")
    folder, configuration = session(), tmp_path / "syslog-ng.conf"
    configuration.write_text(SYSLOG_NG.format(folder=tmp_path, port=unused_tcp_port))
    places = [f"--{name}={tmp_path / name}" for name in ("pidfile", "control", "persist-file")]
    if syslog_ng.modules:
        places.append(f"--module-path={syslog_ng.modules}")
    command = [syslog_ng.program, "-F", "--no-caps", "-f", str(configuration), *places]
    shipper = Shipping([Exporter(kind="syslog", target=f"tcp://127.0.0.1:{unused_tcp_port}")], home, pause=at_once)
    expected = len(list(read_lines(folder)))
    parsed = tmp_path / "parsed.jsonl"
    with running(command, stderr=subprocess.DEVNULL, env=syslog_ng.environ) as process:
        async with shipping(shipper, folder):
            assert await shipper.drain(60)
            while not parsed.exists() or parsed.read_bytes().count(b"\n") < expected:
                assert process.poll() is None, "syslog-ng ended by itself"
                await asyncio.sleep(0.05)
    assert parsed.read_bytes().splitlines() == list(read_lines(folder))
    assert chained(parsed.read_bytes().splitlines())
    assert (tmp_path / "numbers").read_text().split() == [str(number) for number in range(expected)]
