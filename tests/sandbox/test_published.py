"""Configuration of /etc that may hold keys is given as long as it says what its package published."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vtcode_tui.sandbox import toolchains
from vtcode_tui.sandbox.published import as_published


@pytest.fixture
def dpkg(tmp_path: Path) -> Path:
    """A record like dpkg's of `etc/tool.d/flags`, and one like ucf's of `etc/made.ini`, to which a link leads."""
    folder = tmp_path / "etc/tool.d"
    folder.mkdir(parents=True)
    flags, made = folder / "flags", tmp_path / "etc/made.ini"
    flags.write_text("--quiet\n")
    made.write_text("x=1\n")
    (folder / "made.ini").symlink_to(made)
    md5 = {file: hashlib.md5(file.read_bytes()).hexdigest() for file in (flags, made)}
    record = tmp_path / "status"
    record.write_text(f"Package: tool\nConffiles:\n {flags} {md5[flags]}\nDescription: x\n{md5[made]}  {made}\n")
    return record


def test_files_and_folders_are_given_as_they_were_published(tmp_path: Path, dpkg: Path) -> None:
    folder = tmp_path / "etc/tool.d"
    places = [folder, folder / "flags", tmp_path / "etc/made.ini"]
    assert as_published([*places, tmp_path / "absent"], [dpkg]) == tuple(map(str, places))


@pytest.mark.parametrize("own", ["flags", "made.ini", "apikeys"])
def test_a_folder_in_which_a_person_wrote_anything_is_not_given(tmp_path: Path, dpkg: Path, own: str) -> None:
    with (tmp_path / "etc/tool.d" / own).open("a") as file:
        file.write("token=mine\n")
    assert as_published([tmp_path / "etc/tool.d"], [dpkg]) == ()


def test_nothing_is_given_where_no_record_can_be_read_or_a_link_leads_nowhere(tmp_path: Path, dpkg: Path) -> None:
    folder = tmp_path / "etc/tool.d"
    assert as_published([folder], [tmp_path / "no record"]) == ()
    (folder / "lost").symlink_to("nowhere")
    assert as_published([folder], [dpkg]) == ()


SECRETIVE = (
    "npmrc",
    "pip.conf",
    "xdg/pip/pip.conf",
    "gemrc",
    "mysql/debian.cnf",
    "postgresql-common/pg_service.conf",
)


@pytest.mark.parametrize("name", SECRETIVE)
def test_configuration_that_may_hold_tokens_is_never_given(name: str) -> None:
    assert not any(f"/etc/{name}".startswith((place, f"{place}/")) for place in toolchains.etc())
