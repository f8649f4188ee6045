"""`vtcode acp`: an Agent Client Protocol agent on stdin and stdout, for editors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import Loaded
    from vtcode_tui.sandbox import Spawner

EXAMPLE = """\
  In Zed's settings.json:
    "agent_servers": { "vtcode": { "command": "vtcode", "args": ["acp"] } }"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--model", default="", metavar="M", help="provider/model, or either of both")
    parser.add_argument(
        "-c", "--config", action="append", default=[], metavar="KEY=VALUE", help="a setting for this run"
    )


def run(given: argparse.Namespace) -> int:
    """Speak the protocol until the client closes stdin."""
    import asyncio

    from vtcode_tui.agent import start_spawner
    from vtcode_tui.common.home import Home

    home = Home.from_environment()
    asyncio.run(_serve(given, home, start_spawner(home)))
    return 0


async def _serve(given: argparse.Namespace, home: Home, spawner: Spawner) -> None:
    import asyncio
    import sys

    from vtcode_tui.cli.loading import loading

    with loading():
        from vtcode_tui.acp import Stage, serve
        from vtcode_tui.acp.rpc import LONGEST_LINE
        from vtcode_tui.config import load, override

    def loaded(root: Path) -> Loaded:
        found = load(home, root, overrides=[override(text) for text in given.config])
        for notice in found.notices:
            print(f"vtcode: {notice}", file=sys.stderr)
        return found

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, _ = await loop.connect_write_pipe(asyncio.Protocol, sys.stdout.buffer)
    try:
        await serve(Stage(home, spawner, loaded, given.model), reader, transport)
    finally:
        transport.close()
        await spawner.close()
