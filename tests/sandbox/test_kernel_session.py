"""A whole session where namespaces are not permitted: tier kernel, chosen by the self-test, with real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox.test_uncontained import session_without

pytestmark = pytest.mark.kernel

CALLS = [
    ["run_command", {"command": "sh leak.sh"}],
    ["run_command", {"command": "sed -i s/hello/goodbye/ README.md; echo made > made.txt"}],
    ["edit_file", {"path": "a.py", "old": "x = 1", "new": "x = 2"}],
    ["run_command", {"command": "cat a.py README.md made.txt"}],
]


def test_a_session_in_tier_kernel_runs_edits_and_keeps_what_is_accepted(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_rsa").write_text("SECRET")
    said = session_without("namespaces", tmp_path, calls=CALLS, accept=True)
    assert (said["tier"], said["uncontained"], said["staged"]) == ("kernel", False, False)
    assert {row["tier"] for row in said["applied"]} == {"kernel"}
    assert all(any(text.startswith("namespaces") for text in row["degraded"]) for row in said["applied"])
    assert "SECRET" not in str(said["results"])
    assert "Permission denied" in said["results"][0]
    # Without a layer an edit is shown and asked about before it is made; what a command changed waits for review.
    assert "edit_file" in [row["tool"] for row in said["asked"]]
    assert "x = 2\ngoodbye\nmade\n" in said["results"][-1]
    assert ["a.py", "tool", False] in said["changed"]
    assert said["waiting"] == {"README.md": "update", "made.txt": "create"}
    assert (said["left"], said["reviewed"]) == ([], 1)
    root = tmp_path / "ws"
    texts = {name: (root / name).read_text() for name in ("README.md", "a.py", "made.txt")}
    assert texts == {"README.md": "goodbye\n", "a.py": "x = 2\n", "made.txt": "made\n"}
