from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vtcode_tui.cli import main
from vtcode_tui.common.errors import WorkspaceError
from vtcode_tui.common.home import Home
from vtcode_tui.workspace import Trust, grant_trust, revoke_trust, trust, trust_of

NOW = "2026-11-22T20:00:00.000Z"
MARKER = ".vt-workspace-trust"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "h" / "config", tmp_path / "h" / "state", tmp_path / "h" / "cache")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "AGENTS.md").write_text("be kind")
    return folder


def _grant(root: Path, home: Home) -> Trust:
    return grant_trust(root, home, now=NOW)


def test_a_folder_is_untrusted_until_a_human_says_so(root: Path, home: Home) -> None:
    before = trust_of(root, home)
    assert (before.status, [i.path for i in before.influences]) == ("untrusted", ["AGENTS.md"])
    assert _grant(root, home).trusted
    assert trust_of(root, home).trusted
    assert (root / MARKER).read_text().startswith("vtcode-trust ")
    assert trust_of(root, home).granted_at == NOW


def test_looking_writes_nothing(root: Path, home: Home) -> None:
    trust_of(root, home)
    assert not home.trust.exists()
    assert not (root / MARKER).exists()


def test_a_marker_that_came_with_the_repository_grants_nothing(root: Path, home: Home) -> None:
    (root / MARKER).write_text("vtcode-trust 0123456789abcdef0123456789abcdef\n")
    trust = trust_of(root, home)
    assert trust.status == "untrusted"
    assert "was not written by you" in trust.reason


def test_a_copied_folder_is_not_trusted(root: Path, home: Home, tmp_path: Path) -> None:
    _grant(root, home)
    shutil.copytree(root, tmp_path / "copy")
    assert trust_of(tmp_path / "copy", home).status == "untrusted"
    assert trust_of(root, home).trusted


def test_another_folder_at_the_same_path_is_not_trusted(root: Path, home: Home, tmp_path: Path) -> None:
    _grant(root, home)
    root.rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", root)
    assert trust_of(root, home).status == "untrusted"
    assert trust_of(tmp_path / "moved", home).status == "untrusted"


def test_another_identity_does_not_trust(root: Path, home: Home, tmp_path: Path) -> None:
    _grant(root, home)
    other = Home(tmp_path / "o", tmp_path / "o", tmp_path / "o")
    assert trust_of(root, other).status == "untrusted"


@pytest.mark.parametrize("name", ["vtcode.toml", "tool-policy.json", "sub/AGENTS.md", ".mcp.json"])
def test_a_file_that_influences_and_is_new_asks_again(root: Path, home: Home, name: str) -> None:
    _grant(root, home)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("")
    trust = trust_of(root, home)
    assert trust.status == "changed"
    assert name in trust.reason
    assert [i.since for i in trust.influences if i.path == name] == ["new"]
    assert _grant(root, home).trusted


def test_a_changed_or_removed_influence_asks_again(root: Path, home: Home) -> None:
    _grant(root, home)
    (root / "AGENTS.md").write_text("be evil")
    assert [i.since for i in trust_of(root, home).influences] == ["changed"]
    (root / "AGENTS.md").unlink()
    assert [i.since for i in trust_of(root, home).influences] == ["gone"]
    assert trust_of(root, home).status == "changed"


def test_an_ordinary_change_does_not_ask_again(root: Path, home: Home) -> None:
    _grant(root, home)
    (root / "main.py").write_text("x")
    assert trust_of(root, home).trusted


def test_what_changed_while_the_human_was_reading_is_not_trusted(root: Path, home: Home) -> None:
    shown = trust_of(root, home).influences
    (root / "AGENTS.md").write_text("swapped")
    with pytest.raises(WorkspaceError, match="while you were reading"):
        grant_trust(root, home, now=NOW, shown=shown)
    assert trust_of(root, home).status == "untrusted"


def test_a_link_among_the_influences_is_bound_to_its_target_and_not_read(
    root: Path, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    (root / ".mcp.json").symlink_to(tmp_path / "a")
    _grant(root, home)
    (root / ".mcp.json").unlink()
    (root / ".mcp.json").symlink_to(tmp_path / "b")
    assert trust_of(root, home).status == "changed"


def test_granting_does_not_write_through_a_planted_link(root: Path, home: Home, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (root / MARKER).symlink_to(tmp_path / "victim")
    assert _grant(root, home).trusted
    assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 2}', '{"version": 1, "path": []}', "\xff"])
def test_a_damaged_record_is_no_trust(root: Path, home: Home, damage: str) -> None:
    _grant(root, home)
    (record,) = home.trust.iterdir()
    record.write_text(damage, encoding="latin-1")
    assert trust_of(root, home).status == "untrusted"


def test_a_removed_or_replaced_marker_is_no_trust(root: Path, home: Home) -> None:
    _grant(root, home)
    text = (root / MARKER).read_text()
    (root / MARKER).write_text(text.replace("vtcode-trust ", "vtcode-trust 0"))
    assert trust_of(root, home).status == "untrusted"
    (root / MARKER).unlink()
    assert "is gone" in trust_of(root, home).reason


def test_revoking_takes_marker_and_record_away(root: Path, home: Home) -> None:
    _grant(root, home)
    assert revoke_trust(root, home) is True
    assert not (root / MARKER).exists()
    assert list(home.trust.iterdir()) == []
    assert revoke_trust(root, home) is False


def test_a_folder_that_holds_vtcodes_own_state_cannot_be_trusted(tmp_path: Path) -> None:
    home = Home(tmp_path / "config", tmp_path / "state", tmp_path / "cache")
    with pytest.raises(WorkspaceError, match="own state"):
        _grant(tmp_path, home)


def test_the_command_shows_what_it_trusts(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "h"))
    assert main(["trust", "status", str(root)]) == 3
    assert "AGENTS.md" in capsys.readouterr().out
    assert main(["trust", "grant", str(root)]) == 0
    capsys.readouterr()
    assert main(["trust", "--json", "status", str(root)]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "trusted"
    (root / "AGENTS.md").write_text("other")
    assert main(["trust", str(root)]) == 3
    assert "changed" in capsys.readouterr().out
    assert main(["trust", "revoke", str(root)]) == 0
    assert not (root / MARKER).exists()
    assert main(["trust", "status", str(root / "nope")]) == 3


def test_a_folder_that_holds_vtcodes_own_state_is_never_looked_through_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "config", tmp_path / "state", tmp_path / "cache")
    looked: list[Path] = []

    def look(root: Path) -> dict[str, str]:
        looked.append(root)
        return {}

    monkeypatch.setattr(trust, "influences_of", look)
    for root in (Path("/"), tmp_path, tmp_path / "state"):
        root.mkdir(exist_ok=True)
        found = trust_of(root, home)
        assert (found.status, found.influences) == ("untrusted", ())
        assert "holds vtcode's own state" in found.reason
        with pytest.raises(WorkspaceError, match="own state"):
            trust.grant_trust(root, home, now="now")
    assert looked == []
