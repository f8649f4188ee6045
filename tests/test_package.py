"""The wheel carries what the program needs beside its modules."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.end_to_end.person import person_at
from vtcode_tui.common.shipped import shipped

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_wheel_carries_styles_policy_and_example(tmp_path: Path) -> None:
    options = ["--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    build = [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    styles = {f"vtcode_tui/_shipped/styles/{p.name}" for p in (ROOT / "styles").glob("*.tcss")}
    assert styles <= names
    assert {"vtcode_tui/_shipped/tool-policy.json", "vtcode_tui/_shipped/vtcode.toml.example"} <= names
    programs = {str(p.relative_to(ROOT)) for p in (ROOT / "vtcode_tui").rglob("*.toml")}
    assert programs <= names


@pytest.mark.slow
async def test_the_installed_command_works_far_from_its_checkout(tmp_path: Path) -> None:
    place = tmp_path / "place"
    venv.create(place, with_pip=False)
    (site,) = place.glob("lib/python*/site-packages")
    # What vtcode depends on is taken from here; vtcode itself is not: an entry of a .pth file is no site folder.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(ROOT)], check=True, capture_output=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VTCODE_HOME": str(tmp_path / "vt")}

    def vtcode(*words: str) -> str:
        ran = subprocess.run(
            [place / "bin" / "vtcode", *words], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert '"allow"' in vtcode("policy", "check", "--json", "--shell", "git status")
    assert "wrote" in vtcode("init")
    project = tmp_path / "project"
    project.mkdir()
    async with person_at(cwd=project, env=env, program=[str(place / "bin" / "vtcode")]) as person:
        # The styles are there, or nothing would be drawn where it belongs.
        await person.until(r"Work in this folder\?")
        person.press("ctrl+q")
        assert await person.leaves() == 0


def test_a_shipped_file_is_found_in_a_checkout() -> None:
    assert shipped("styles").is_dir()
    with pytest.raises(FileNotFoundError, match="reinstall"):
        shipped("no-such-file")
