"""A workspace with files of other people: an ordinary user has no layer there, and is told why."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vtcode_tui.workspace.layer import belongs_to_others

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


def test_a_workspace_of_ones_own_can_have_a_layer(tmp_path: Path) -> None:
    assert belongs_to_others(tmp_path, os.getuid(), os.getgid()) == ""
    (tmp_path / ".git").mkdir()
    assert belongs_to_others(tmp_path, os.getuid(), os.getgid()) == ""


@needs_root
@pytest.mark.parametrize("name", ["", ".git"])
@pytest.mark.parametrize("owner", [(4321, -1), (-1, 4321)])
def test_a_folder_of_another_user_or_group_can_have_none(tmp_path: Path, name: str, owner: tuple[int, int]) -> None:
    (tmp_path / ".git").mkdir()
    os.chown(tmp_path / name, *owner)
    told = belongs_to_others(tmp_path, os.getuid(), os.getgid())
    assert told.startswith(f"{tmp_path / name} belongs to") and "4321" in told
