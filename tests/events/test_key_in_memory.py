"""The key that signs a session's checkpoints is in the memory of its process, and in no file, child or export."""

from __future__ import annotations

import base64
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
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path, path.read_bytes()


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
    async with staged(tmp_path, [LOOK, WRITE, Step("done")]) as stage:
        await stage.session.submit("go")
        assert "PATH=" in stage.told("c1"), "the child's own account of its environment is searched too"
        folder = stage.session.folder
        host = base64.b64decode((stage.home.keys / "host-ed25519").read_bytes())
        children = [
            Path("/proc", name, "environ").read_bytes()
            for task in Path("/proc/self/task").iterdir()
            for name in (task / "children").read_text().split()
        ]
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
