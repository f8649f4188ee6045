"""`vtcode [PATH]`: the full-screen app. Paints first; everything else is loaded behind the first frame."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from vtcode_tui.agent.port import Core, Reader
    from vtcode_tui.cli.doctor import Finding
    from vtcode_tui.common.home import Home
    from vtcode_tui.config.settings import Settings
    from vtcode_tui.gate.types import Approver

EXAMPLE = """  vtcode                      in this folder
  vtcode ~/src/project        in another one
  vtcode -p 'fix the tests'   with a prompt written already, not sent"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="the workspace (default: this folder)")
    parser.add_argument("-p", "--prompt", default="", metavar="TEXT", help="put this into the prompt, unsent")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="lines instead of a screen, for screen readers ([interface] screen_reader)",
    )
    parser.add_argument("--served", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--model", default="", metavar="M", help="provider/model, or either of both")
    parser.add_argument(
        "-c", "--config", action="append", default=[], metavar="KEY=VALUE", help="a setting for this run"
    )


def run(given: argparse.Namespace) -> int:
    """Show the app; the exit status is the screen's."""
    from pathlib import Path

    from vtcode_tui.common.errors import UsageError

    root = Path(given.path).expanduser()
    if not root.is_dir():
        raise UsageError(f"{given.path} is not a folder: `vtcode [PATH]` opens a folder{_perhaps(given.path)}")
    return show(
        root.resolve(), given.config, draft=given.prompt, choice=given.model, plain=given.plain, served=given.served
    )


def _perhaps(word: str) -> str:
    """The command that was meant, where one is near."""
    from difflib import get_close_matches

    from vtcode_tui.cli import COMMANDS

    near = get_close_matches(word, COMMANDS, 1)
    return f" (did you mean `vtcode {near[0]}`?)" if near else ""


def show(
    root: Path,
    config: list[str],
    *,
    draft: str = "",
    choice: str = "",
    resume: Path | None = None,
    plain: bool = False,
    served: bool = False,
) -> int:
    """Show the app over a new session, or over one to be continued."""
    from contextlib import nullcontext

    from vtcode_tui.common.home import Home
    from vtcode_tui.tui import DEMO_WANTED, require_screen, run_app, run_linear
    from vtcode_tui.tui.curtain import Curtain

    home = Home.from_environment()
    plain = not served and (plain or reads_aloud(home))
    opener = _Opener(root, home, config, choice, resume)
    if plain:
        opener.start_spawner()
        try:
            return run_linear(opener.open_core, opener.load_settings, root=root, resumed=resume is not None)
        finally:
            opener.close()
    if not served:
        require_screen()
    with nullcontext() if served else Curtain.rise(root.name or str(root)) as curtain:
        opener.start_spawner()
        try:
            if curtain is not None:
                curtain.listen()
            status = run_app(
                opener.open_core,
                opener.load_settings,
                root=root,
                draft=draft,
                curtain=curtain,
                resumed=resume,
                doctor=lambda: _diagnosed(home, root),
                served=served,
            )
        finally:
            opener.close()
    if status == DEMO_WANTED:
        from vtcode_tui.cli import main

        return main(["demo"])
    if not isinstance(status, int):
        from vtcode_tui.cli import main

        return main(["resume", str(status)])
    return status


def _diagnosed(home: Home, root: Path) -> list[Finding]:
    """What `vtcode doctor` says, without the sandbox: the session has tried that out already."""
    from vtcode_tui.cli.doctor import findings

    return findings(home, root, sandbox=False)


def reads_aloud(home: Home) -> bool:
    """Whether the person's own file asks for lines; a file that is broken is answered later, with its line."""
    import tomllib

    try:
        table = tomllib.loads(home.settings_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    interface = table.get("interface")
    return isinstance(interface, dict) and interface.get("screen_reader") is True


class _Opener:
    """What is loaded and opened behind the first frame."""

    def __init__(self, root: Path, home: Home, config: list[str], choice: str, resume: Path | None) -> None:
        self.root, self.home, self.config, self.choice, self.resume = root, home, config, choice, resume

    def start_spawner(self) -> None:
        """Fork before any thread exists."""
        from vtcode_tui.agent import start_spawner

        self.spawner = start_spawner(self.home)

    def load_settings(self) -> Settings:
        """Every layer of the configuration."""
        from vtcode_tui.config import load, override

        self.loaded = load(self.home, self.root, overrides=[override(text) for text in self.config])
        return self.loaded.settings

    async def open_core(self, approver: Approver, reader: Reader) -> Core:
        """Probe the sandbox and open the session."""
        from vtcode_tui.agent import Opening, capability_of, open_core
        from vtcode_tui.events.live import Notice

        for text in self.loaded.notices:
            reader(Notice(str(text), "warning"))
        capability = await capability_of(self.spawner, self.loaded.settings)
        opening = Opening(
            root=self.root,
            home=self.home,
            settings=self.loaded.settings,
            spawner=self.spawner,
            capability=capability,
            approver=approver,
            reader=reader,
            origin="tui",
            choice=self.choice,
            resume=self.resume,
        )
        return await open_core(opening)

    def close(self) -> None:
        """End the fork server with everything it started."""
        import asyncio

        asyncio.run(self.spawner.close())
