"""Rulesets that wait for a run: what their names meant when they were made is not what is enforced later."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vtcode_tui.sandbox import ruleset
from vtcode_tui.sandbox.inner import kernel

pytestmark = pytest.mark.kernel

CHANGES = {
    "nothing": "true",
    "another in its place": "mv new granted",
    "moved away": "mv granted moved",
    "moved away and made anew": "mv granted moved; echo anew > granted",
    "a link to a secret": "mv granted moved; ln -s secret granted",
    "removed and its inode given to another": "rm granted secret; echo x > secret",
    "its folder exchanged": "cp -r folder other; mv folder gone; mv other folder",
}


def readable(held: int, place: Path) -> set[str]:
    """What can be read below a folder under a ruleset."""
    files = [path for path in sorted(place.rglob("*")) if not path.is_dir()]
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            kernel.landlock_restrict(held)
            for path in files:
                try:
                    os.close(os.open(path, os.O_RDONLY))
                except OSError:
                    continue
                os.write(writer, f"{path.relative_to(place)}\n".encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as said:
        return set(said.read().split())


@pytest.mark.parametrize("change", CHANGES)
def test_a_ruleset_that_waited_grants_what_a_new_one_would(tmp_path: Path, change: str) -> None:
    for name in ("granted", "secret", "new"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("f")
    rights = ruleset.rights_of(ruleset.supported_abi())
    common = [(str(tmp_path / name), ruleset.READ_ONLY) for name in ("granted", "folder", "absent")]
    waiting = ruleset.Rulesets(rights, common, network=False)
    waiting.refill()
    subprocess.run(["sh", "-ec", CHANGES[change]], cwd=tmp_path, check=True)
    fresh = ruleset.Rulesets(rights, common, network=False)
    given, wanted = waiting.take([]), fresh.take([])
    try:
        assert readable(given, tmp_path) == readable(wanted, tmp_path)
    finally:
        os.close(given)
        os.close(wanted)


def test_a_name_that_came_while_a_ruleset_waited_is_granted_by_it(tmp_path: Path) -> None:
    rights = ruleset.rights_of(ruleset.supported_abi())
    waiting = ruleset.Rulesets(rights, [(str(tmp_path / "late"), ruleset.READ_ONLY)], network=False)
    waiting.refill()
    (tmp_path / "late").write_text("x")
    (tmp_path / "other").write_text("x")
    given = waiting.take([])
    assert readable(given, tmp_path) == {"late"}
    os.close(given)
