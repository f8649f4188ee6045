"""One key of the user's file changes; every other byte stays; nothing impossible is ever written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.config.describe import example
from vtcode_tui.config.writing import reset_value, set_value

TEXT = """# mine
[interface]   # how it looks
theme = "vtcode-dark"  # for the evening

[model]
name = "m"
"""


def test_a_value_changes_and_every_comment_stays(tmp_path: Path) -> None:
    file = tmp_path / "vtcode.toml"
    file.write_text(TEXT)
    set_value(file, "interface.theme", "vtcode-light")
    assert file.read_text() == TEXT.replace("vtcode-dark", "vtcode-light")
    set_value(file, "sandbox.wall_seconds", 60.0)
    assert file.read_text().startswith(TEXT.replace("vtcode-dark", "vtcode-light"))
    assert tomllib.loads(file.read_text())["sandbox"] == {"wall_seconds": 60.0}
    reset_value(file, "sandbox.wall_seconds")
    reset_value(file, "interface.theme")
    assert "theme" not in tomllib.loads(file.read_text())["interface"]
    assert "# mine" in file.read_text()


def test_a_file_that_is_not_there_is_made_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "config" / "vtcode.toml"
    reset_value(file, "interface.vim")
    assert not file.exists()
    set_value(file, "interface.vim", True)
    assert tomllib.loads(file.read_text()) == {"interface": {"vim": True}}
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("key", "value"), [("interface.vim", "maybe"), ("interface.colour", "red"), ("mode", 3), ("model.name.x", 1)]
)
def test_what_is_impossible_is_a_sentence_and_leaves_the_file_as_it_was(
    tmp_path: Path, key: str, value: object
) -> None:
    file = tmp_path / "vtcode.toml"
    file.write_text(TEXT)
    with pytest.raises(ConfigError) as said:
        set_value(file, key, value)
    assert str(said.value).count("\n") == 0 and "vtcode.toml" in str(said.value)
    assert file.read_text() == TEXT


def test_a_broken_file_is_named_and_not_repaired(tmp_path: Path) -> None:
    file = tmp_path / "vtcode.toml"
    file.write_text("[interface\n")
    with pytest.raises(ConfigError, match=r"vtcode\.toml"):
        set_value(file, "interface.vim", True)
    assert file.read_text() == "[interface\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_any_text_is_read_back_as_it_was_given_and_the_shipped_comments_stay(tmp_path: Path, text: str) -> None:
    file = tmp_path / "vtcode.toml"
    file.write_text(example(), encoding="utf-8")
    set_value(file, "model.name", text)
    kept = file.read_bytes().decode("utf-8")
    assert tomllib.loads(kept)["model"]["name"] == text
    assert kept.startswith(example()[:200])
