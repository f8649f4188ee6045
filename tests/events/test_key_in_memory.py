"""The key that signs a session's checkpoints is in the memory of its process, and in no file, child or export."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import staged
from vtcode_tui.demo import Step
from vtcode_tui.events import notes, verify
from vtcode_tui.events.export import converter
from vtcode_tui.events.export.form import export

pytestmark = pytest.mark.kernel

LOOK = Step("", (("run_command", {"command": "env"}),))
WRITE = Step("", (("write_file", {"path": "made.txt", "content": "made\n"}),))
FORMATS = ("jsonl", "ocsf", "ecs", "otlp", "rfc5424", "cef", "hec", "atif")


def spellings(seed: bytes) -> Iterator[bytes]:
    """The ways in which a key of 32 bytes is written by ordinary programs, and its halves, in case it is cut."""
    for part in (seed, seed[:16], seed[16:]):
        yield part
        yield part.hex().encode()
        yield part.hex().upper().encode()
        for shift in range(3):
            inner = base64.b64encode(bytes(shift) + part)[4 if shift else 0 :].rstrip(b"=")[:-2]
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")


def files_below(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    for folder in folders:
        # A running session replaces and removes files and folders while they are looked at: those have no content.
        for above, _, names in os.walk(folder):
            for path in (Path(above, name) for name in names):
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file() and not path.is_symlink():
                        yield path, path.read_bytes()


def environments_of_children() -> Iterator[bytes]:
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread or a child that has ended meanwhile
            for name in (task / "children").read_text().split():
                yield Path("/proc", name, "environ").read_bytes()


async def test_no_file_child_or_export_of_a_session_holds_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[bytes] = []
    made = notes.Key.__init__

    def watched(self: notes.Key, *of: Any, **more: Any) -> None:
        made(self, *of, **more)
        seeds.append(self.seed())

    monkeypatch.setattr(notes.Key, "__init__", watched)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    async with staged(tmp_path, [LOOK, WRITE, Step("done")], alone=True) as stage:
        await stage.session.submit("go")
        assert "PATH=" in stage.told("c1"), "the child's own account of its environment is searched too"
        folder = stage.session.folder
        host = base64.b64decode((stage.home.keys / "host-ed25519").read_bytes())
        children = list(environments_of_children())
        assert children
        while_it_runs = list(files_below(tmp_path))
    (seed,) = {one for one in seeds if one != host}
    assert verify(folder).state == "sealed"
    exported = "\n".join(line for form in FORMATS for line in export(folder, converter(form))).encode()
    places = [*while_it_runs, *files_below(tmp_path), (Path("exports"), exported)]
    places += [(Path("environment"), one) for one in (*children, os.environb.__repr__().encode())]
    assert any(host in content or base64.b64encode(host) in content for _, content in places), (
        "the search finds keys"
    )
    ways = set(spellings(seed))
    assert [(path, way) for path, content in places for way in ways if way in content] == []


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A process may end while it is looked at: then it is none of those that are there.
        with contextlib.suppress(OSError):
            for name in (task / "children").read_text().split():
                yield int(name)
                yield from descendants(int(name))


def memory_of(pid: int) -> Iterator[bytes]:
    """Everything that a process has in its memory and may read itself."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            reach, rights, *_ = line.split()
            begin, end = (int(one, 16) for one in reach.split("-"))
            if rights.startswith("r") and "[v" not in line:
                with contextlib.suppress(OSError):
                    memory.seek(begin)
                    yield memory.read(end - begin)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into the memory of these processes")
async def test_neither_the_fork_server_nor_a_supervisor_nor_a_run_has_the_key_in_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[notes.Key] = []
    made = notes.Key.__init__

    def watched(self: notes.Key, *of: Any, **more: Any) -> None:
        made(self, *of, **more)
        keys.append(self)

    monkeypatch.setattr(notes.Key, "__init__", watched)
    wait = Step("", (("run_command", {"command": "python3 -c 'import time; time.sleep(600)'"}),))
    async with staged(tmp_path, [wait, Step("done")]) as stage:
        running = asyncio.ensure_future(stage.session.submit("go"))
        await stage.until(lambda: any(getattr(one, "type", "") == "exec.started" for one in stage.heard))
        seeds = [key.seed() for key in keys]
        ways = {way for seed in seeds for way in spellings(seed)}
        looked, found = 0, list[tuple[int, bytes]]()
        for pid in set(descendants(os.getpid())):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for piece in memory_of(pid):
                    looked += len(piece)
                    found += [(pid, way) for way in ways if way in piece]
        assert any(seed in piece for piece in memory_of(os.getpid()) for seed in seeds), "the search finds keys"
        await stage.session.interrupt()
        await running
    assert looked > 1 << 20
    assert found == []
