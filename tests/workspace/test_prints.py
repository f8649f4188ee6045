"""An untouched layer is told from a touched one without reading anything."""

from __future__ import annotations

import os
import time
from pathlib import Path

from vtcode_tui.workspace import prints
from vtcode_tui.workspace.prints import prints_of


def settled(upper: Path) -> prints.Prints:
    """What the layer looks like once a clock tick lies between its last change and now."""
    while (found := prints_of(upper)) is None:
        time.sleep(0)
    return found


def test_a_layer_that_nobody_touched_looks_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    assert settled(tmp_path) == settled(tmp_path)


def test_a_layer_that_was_touched_a_moment_ago_is_never_taken_for_untouched(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    os.utime(tmp_path / "a", ns=(0, 0))
    assert prints_of(tmp_path) is None


def test_content_of_the_same_size_with_the_old_time_put_back_is_seen(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    file = tmp_path / "d" / "a"
    file.write_text("1")
    before, status = settled(tmp_path), file.stat()
    file.write_text("2")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert settled(tmp_path) != before


def test_a_mode_a_deletion_and_a_new_name_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    seen = [settled(tmp_path)]
    file.chmod(0o700)
    seen.append(settled(tmp_path))
    file.rename(tmp_path / "b")
    seen.append(settled(tmp_path))
    (tmp_path / "b").unlink()
    seen.append(settled(tmp_path))
    assert len(set(seen)) == 4


def test_a_link_in_the_layer_is_looked_at_and_never_followed(tmp_path: Path) -> None:
    outside, upper = tmp_path / "outside", tmp_path / "upper"
    outside.mkdir()
    upper.mkdir()
    (upper / "link").symlink_to(outside)
    before = settled(upper)
    (outside / "new").write_text("x")
    assert settled(upper) == before


def test_a_layer_with_too_many_entries_is_not_told_apart(tmp_path: Path) -> None:
    for number in range(prints.MOST + 1):
        (tmp_path / str(number)).touch()
    time.sleep(0)
    assert prints_of(tmp_path) is None
