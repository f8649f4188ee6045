"""The end of a program whose receivers of events are away: it is short, said, and loses nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.events.test_bus import REQUESTED
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Exporter
from vtcode_tui.events import Bus, Journal, Shipping
from vtcode_tui.events.lines import read_lines
from vtcode_tui.events.live import Notice


async def never(seconds: float) -> None:
    """The pause before a receiver is tried again: here nobody ever waits one out."""
    await asyncio.Event().wait()


async def left(home: Home, exporters: list[Exporter], away: Callable[[list[str]], Awaitable[object]]) -> list[str]:
    """What is said by a session that ends while its receivers are away, from then on."""
    folder = home.sessions / "2026" / "11" / "27" / "s1"
    bus, shipping, said, heard = (
        Bus(Journal.create(folder, "s1")),
        Shipping(exporters, home, pause=never),
        [],
        asyncio.Event(),
    )

    def tell(notice: Notice) -> None:
        said.append(notice.text)
        heard.set()

    bus.subscribe(shipping.hear)
    shipping.start(folder, tell)
    for _ in range(20):
        await bus.record(REQUESTED)
    while not await away(said):
        heard.clear()
        await heard.wait()
    await bus.close()
    said.clear()
    await shipping.finish()
    return said


async def test_five_receivers_that_are_down_are_asked_once_more_said_in_one_line_and_lose_nothing(
    home: Home, tmp_path: Path, unused_tcp_port: int
) -> None:
    files = [tmp_path / name / "events" for name in "abc"]
    exporters = [Exporter(kind="file", target=str(file)) for file in files]
    exporters += [Exporter(kind=kind, target=f"http://127.0.0.1:{unused_tcp_port}") for kind in ("otlp", "hec")]

    async def all_are_away(said: list[str]) -> bool:
        return len(said) == len(exporters)

    said = await left(home, exporters, all_are_away)
    rest = "the rest waits in the journal and goes out at the next start"
    assert said == [f"5 of 5 receivers have not taken all events: {rest}"]
    for file in files:
        file.parent.mkdir()
    folder = home.sessions / "2026" / "11" / "27" / "s1"
    again = Shipping(exporters[:3], home, pause=never)
    again.start(folder, lambda notice: None)
    assert await again.drain(60)
    await again.finish()
    assert [file.read_bytes().splitlines() for file in files] == [list(read_lines(folder))] * 3


async def test_a_receiver_that_is_back_at_the_end_gets_everything(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "later" / "events"

    async def away_until_now(said: list[str]) -> bool:
        if said:
            file.parent.mkdir()
        return bool(said)

    (said,) = await left(home, [Exporter(kind="file", target=str(file))], away_until_now)
    assert said.endswith("takes events again")
    assert file.read_bytes().splitlines() == list(read_lines(home.sessions / "2026" / "11" / "27" / "s1"))


SILENT = """
import asyncio, socket, sys, threading
from pathlib import Path
asked = threading.Event()

def silent(*of, **more):
    asked.set()
    threading.Event().wait()

socket.getaddrinfo = silent
from vtcode_tui.common.home import Home
from vtcode_tui.config.settings import Exporter
from vtcode_tui.events import Journal, Bus, Shipping
from tests.events.test_bus import REQUESTED
from tests.events.test_leaving import never

async def main():
    home = Home.from_environment()
    folder = home.sessions / "2026" / "11" / "27" / "s1"
    bus = Bus(Journal.create(folder, "s1"))
    targets = [("syslog", "tcp://siem.corp:514"), ("syslog", "udp://siem.corp:514"), ("elastic", "http://siem.corp:9200")]
    shipping = Shipping([Exporter(kind=kind, target=target) for kind, target in targets], home)
    bus.subscribe(shipping.hear)
    shipping.start(folder, lambda notice: print(notice.text, flush=True))
    await bus.record(REQUESTED)
    await asyncio.to_thread(asked.wait)
    await bus.close()
    await shipping.finish()

asyncio.run(main())
"""


def test_a_name_server_that_does_not_answer_does_not_keep_the_program(home: Home) -> None:
    environ = os.environ | {"VTCODE_HOME": str(home.state.parent)}
    done = subprocess.run(
        [sys.executable, "-c", SILENT], env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 of 3 receivers have not taken all events")
