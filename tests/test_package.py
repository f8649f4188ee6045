"""The wheel carries what the program needs beside its modules."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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


def test_a_shipped_file_is_found_in_a_checkout() -> None:
    assert shipped("styles").is_dir()
    with pytest.raises(FileNotFoundError, match="reinstall"):
        shipped("no-such-file")
