"""What a waiting crew has remembered of protected places is used only where nothing has changed since."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from tests.sandbox.test_reserve import children, until, until_past
from vtcode_tui.sandbox import Profile, Spawner
from vtcode_tui.sandbox.inner import guard, kernel, vigil

NAMES = (
    ".git/hooks",
    ".git/config",
    ".envrc",
    ".vscode",
    ".github/workflows",
    ".ci/deep/er",
    "link",
    "vtcode.toml",
)


def _in_place(root: Path) -> None:
    known = (root / ".git/config").stat()
    with (root / ".git/config").open("r+") as file:
        file.write("[CORE]")
    os.utime(root / ".git/config", ns=(known.st_atime_ns, known.st_mtime_ns))


def _by_rename(root: Path) -> None:
    (root / "new").write_text("[core]")
    (root / "new").rename(root / ".git/config")


def _of_a_folder(root: Path) -> None:
    (root / ".git/hooks").rename(root / ".git/held")
    (root / ".git/hooks").mkdir()
    (root / ".git/hooks/pre-push").write_text("theirs")


def _of_a_folder_by_a_file(root: Path) -> None:
    (root / ".vscode").rmdir()
    (root / ".vscode").write_text("x")


def _of_a_link(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("/etc/shadow")


def _below_a_closed_one(root: Path) -> None:
    (root / ".ci").mkdir(mode=0o700)
    (root / ".ci/deep").mkdir()
    (root / ".ci/deep/er").write_text("run me")


CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda root: None,
    "content in place, with its time set back": _in_place,
    "a file by another": _by_rename,
    "a file gone": lambda root: (root / ".git/config").unlink(),
    "a mode": lambda root: (root / ".git/hooks/pre-commit").chmod(0o755),
    "an attribute": lambda root: os.setxattr(root / ".git/hooks/pre-commit", "user.mark", b"1"),
    "a new name in a folder": lambda root: (root / ".git/hooks/post-commit").write_text("new"),
    "a new file": lambda root: (root / ".envrc").write_text("export A=1"),
    "a new folder": lambda root: (root / ".github/workflows").mkdir(parents=True),
    "a new file in new folders": _below_a_closed_one,
    "a folder by another": _of_a_folder,
    "a folder by a file": _of_a_folder_by_a_file,
    "where a link leads": _of_a_link,
}


def state(root: Path) -> dict[str, object]:
    """The protected places, whole."""
    found: dict[str, object] = {}
    for name in NAMES:
        for path in [root / name, *sorted((root / name).rglob("*"))] if (root / name).exists() else [root / name]:
            if path.is_symlink():
                found[str(path)] = str(path.readlink())
            elif path.is_file():
                marks = {mark: os.getxattr(path, mark) for mark in os.listxattr(path) if mark.startswith("user.")}
                found[str(path)] = path.read_bytes(), path.stat().st_mode, marks
            elif path.is_dir():
                found[str(path)] = path.stat().st_mode
    return found


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose files are old enough for their times to tell."""
    monkeypatch.setattr(kernel, "SETTLED_NS", 10**7)
    root = tmp_path / "ws"
    for folder in (".git/hooks", ".vscode"):
        (root / folder).mkdir(parents=True)
    (root / ".git/config").write_text("[core]")
    (root / ".git/hooks/pre-commit").write_text("theirs")
    (root / "link").symlink_to("elsewhere")
    return root


def _settle(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            until_past(path)
    start = time.monotonic()
    until(lambda: time.monotonic() > start + 3 * kernel.SETTLED_NS / 1e9)


_KINDS = list(CHANGES)
_PAIRS = dict.fromkeys(
    [*((kind, "nothing") for kind in _KINDS), *(("nothing", kind) for kind in _KINDS)]
    + [(kind, _KINDS[(place + step) % len(_KINDS)]) for step in (0, 1) for place, kind in enumerate(_KINDS)]
)


@pytest.mark.parametrize(("by_person", "by_run"), _PAIRS)
def test_what_a_person_changed_while_a_crew_waited_stays_and_what_the_run_changed_goes(
    workspace: Path, by_person: str, by_run: str
) -> None:
    _settle(workspace)
    watching = guard.Guard(str(workspace), [str(workspace / name) for name in NAMES], f"{workspace}-away")
    watching.remember_early()
    CHANGES[by_person](workspace)
    _settle(workspace)
    watching.watch_with(None, vigil.Mounts())
    watching.remember()
    before = state(workspace)
    with suppress(OSError):  # some changes can be made once only
        CHANGES[by_run](workspace)
    changed = state(workspace) != before
    findings = watching.verify()
    assert state(workspace) == before
    assert bool(findings) == changed


@pytest.mark.kernel
@pytest.mark.own_spawner  # a server that served others may hold a layer, which is a child of it too
async def test_a_run_restores_what_was_there_when_it_began_and_not_what_its_crew_had_seen(
    spawner: Spawner, finish: Finish, profile: Profile
) -> None:
    envrc = profile.workspace / ".envrc"
    profile = replace(profile, protected=(envrc,))
    for content in ("one", "two"):
        envrc.write_text(content)
        _text, outcome = await finish(grant_for(profile, "sh", "-c", "echo EVIL > .envrc"))
        assert envrc.read_text() == content, outcome
        until(lambda: len(children(spawner.pid)) == 2)
