"""A whole session in forms that others read: asciicast, SVG, ATIF, HTML; made by the real program of a real run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.agent.stage import staged
from vtcode_tui.cli import main
from vtcode_tui.demo import Step
from vtcode_tui.terminal import Recording, Screen

HOSTILE = "<script>alert(1)</script> \x1b]52;c;aGk=\x07"


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session with one run in a terminal and a hostile answer."""
    steps = [Step("", (("run_command", {"command": "printf 'one\\ntwo\\n'"}),)), Step(f"said {HOSTILE}")]
    async with staged(tmp_path, steps) as stage:
        await stage.session.submit("say hello")
        made, home = stage.session.folder, stage.home
    monkeypatch.setenv("VTCODE_HOME", str(home.state.parent if home.state.name == "state" else home.state))
    return made


def exported(folder: Path, form: str, tmp_path: Path) -> str:
    file = tmp_path / f"out.{form}"
    assert main(["sessions", "export", str(folder), "--format", form, "--output", str(file)]) == 0
    return file.read_text(encoding="utf-8")


async def test_the_terminals_of_a_session_are_one_recording_that_players_open(folder: Path, tmp_path: Path) -> None:
    exported(folder, "cast", tmp_path)
    recording = Recording(tmp_path / "out.cast")
    moments = list(recording.moments())
    assert [m.text for m in moments if m.code == "m"] == ["say hello", "printf 'one\\ntwo\\n'"]
    screen = Screen(recording.header.columns, recording.header.rows)
    for moment in moments:
        if moment.code == "o":
            screen.feed(moment.text.encode())
    shown = [screen.text(y).rstrip() for y in range(screen.history + 6)]
    assert shown[:5] == ["$ printf 'one\\ntwo\\n'", "one", "two", "", "[exit 0]"]


def test_the_screen_of_a_session_is_a_picture_without_anything_that_acts(folder: Path, tmp_path: Path) -> None:
    picture = exported(folder, "svg", tmp_path)
    root = ElementTree.fromstring(picture)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "rect", "text"}
    words = "\n".join(element.text or "" for element in root.iter())
    assert "say hello" in words and "journal intact and sealed" in words and "alert(1)" in words
    assert not set(map(chr, range(0x20))) - {"\n"} & set(words)


def test_a_trajectory_has_the_prompt_the_call_and_the_answer(folder: Path, tmp_path: Path) -> None:
    document = json.loads(exported(folder, "atif", tmp_path))
    assert [step["source"] for step in document["steps"]][:1] == ["user"]
    assert "printf" in json.dumps(document)


def test_a_page_runs_nothing(folder: Path, tmp_path: Path) -> None:
    page = exported(folder, "html", tmp_path)
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_place_and_a_size_that_are_none_are_answered_with_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sessions", "export", str(folder), "--format", "svg", "--size", "big"]) == 2
    assert main(["sessions", "export", str(folder), "--format", "svg", "--at", "soon"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "160x48" in said[0] and "#120" in said[1]
