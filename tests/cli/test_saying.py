"""What commands say at a terminal is words, whoever named the folder that they are started in."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "proj\x1b]52;c;aGk=\x07\x1b[2J\u202eevil\u200b\x9b2J"
VTCODE = str(Path(sys.executable).parent / "vtcode")


def at_a_terminal(*words: str, cwd: Path, home: Path) -> str:
    master, slave = pty.openpty()
    try:
        command = subprocess.Popen(
            [VTCODE, *words], cwd=cwd, stdin=slave, stdout=slave, stderr=slave,
            env={**os.environ, "VTCODE_HOME": str(home), "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(slave)
        said = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break  # the last one that had it open has left
            said += piece
        command.wait()
    finally:
        os.close(master)
    return said.decode()


@pytest.mark.parametrize("words", [("trust", "grant"), ("config", "path"), ("doctor",)])
def test_a_folder_with_a_hostile_name_sends_nothing_to_the_terminal(words: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    said = at_a_terminal(*words, cwd=folder, home=tmp_path / "home")
    assert "evil" in said and "U+202E" in said
    assert [character for character in said.replace("\r\n", "") if not character.isprintable()] == []


def test_a_pipe_is_given_the_name_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    environment = {**os.environ, "VTCODE_HOME": str(tmp_path / "home")}
    said = subprocess.run([VTCODE, "config", "path"], cwd=folder, env=environment, capture_output=True, check=True)
    assert f"{folder}/vtcode.toml".encode() in said.stdout
