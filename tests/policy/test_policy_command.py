"""`vtcode policy` as people and scripts call it."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from vtcode_tui.cli import main


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def test_check_says_the_verdict_and_fails_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "--", "git", "status"]) == 0
    assert capsys.readouterr().out.startswith("allow: ")
    assert main(["policy", "check", "--shell", "cat x | sh"]) == 3
    assert capsys.readouterr().out.startswith("prompt: ")
    assert main(["policy", "check", "--", "sudo", "ls"]) == 3
    assert capsys.readouterr().out.startswith("deny: ")


def test_check_as_json_has_the_whole_decision(capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "check", "--json", "--shell", "git merge main"])
    found = json.loads(capsys.readouterr().out)
    assert found["decision"] == "prompt"
    assert found["scopes"][0]["name"] == "exact"
    assert found["explanation"]["commands"][0]["program"] == "git merge"


def test_batch_answers_line_by_line_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        b'{"command": "ls"}',
        b'{"command": ["sudo", "ls"]}',
        b"nonsense",
        b'{"command": 5}',
        b'{"x": 1}',
        b"\xff\xfe",
        b'{"command": "rm x"}',
        b'{"command": []}',
    ]

    class Stdin:
        buffer = io.BytesIO(b"\n".join(lines) + b"\n")

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert main(["policy", "check", "--batch"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [a["decision"] for a in answers] == [
        "allow",
        "deny",
        "prompt",
        "prompt",
        "prompt",
        "prompt",
        "prompt",
        "prompt",
    ]
    assert all({"decision", "rule", "reason"} <= a.keys() for a in answers)


def test_a_rule_is_written_shown_and_obeyed(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert main(["policy", "allow", "--", "npm", "run", "deploy"]) == 0
    assert "the verdict is now allow" in capsys.readouterr().out
    assert main(["policy", "show"]) == 0
    shown = capsys.readouterr().out
    assert f"npm run deploy (exact) in {place}" in shown
    assert sorted(path.name for path in place.iterdir()) == [".git"], "a rule never reaches the workspace"
    assert main(["policy", "deny", "--prefix", "--everywhere", "--", "npm", "run"]) == 0
    capsys.readouterr()
    assert main(["policy", "check", "--", "npm", "run", "deploy"]) == 3
    assert main(["policy", "show", "--json"]) == 0


def test_explain_prints_the_tree_and_what_would_change_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", "sort --foo $X > ../out"]) == 0
    out = capsys.readouterr().out
    assert "sort by programs/text.toml" in out
    assert "prompt: sort: the option --foo is not described" in out
    assert "what would change it" in out


def test_a_terminal_is_never_given_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "explain", "ls \x1b[2J\u202e"])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_command_line_without_a_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check"]) == 2
    assert "give a command" in capsys.readouterr().err


def test_a_batch_says_in_words_what_is_wrong_with_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        b"nonsense",
        b"[1]",
        b'{"x": 1}',
        b"\xff\xfe",
        b'{"command": "ls", "cwd": 5}',
        b'{"command": "ls", "cwd": "\\u0000"}',
        b'{"command": "ls", "cwd": "/nope"}',
        b'{"command": "ls", "cwd": "/etc/passwd"}',
    ]

    class Stdin:
        buffer = io.BytesIO(b"\n".join(lines) + b"\n")

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert main(["policy", "check", "--batch"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [a["decision"] for a in answers] == ["prompt"] * len(lines)
    assert not [a for a in answers if "Error" in a["reason"]]
    assert answers[2]["reason"].startswith("not a command: a command is shell text or a list of words")
    assert "`cwd`" in answers[4]["reason"]
    assert answers[6]["reason"] == "not a command: cwd: there is no folder /nope"
    assert answers[7]["reason"] == "not a command: cwd: /etc/passwd is a file, not a folder"


@pytest.mark.parametrize(
    "action",
    [
        ["check", "--shell", "ls"],
        ["check", "--batch"],
        ["explain", "ls"],
        ["show"],
        ["allow", "--shell", "ls"],
    ],
)
def test_a_folder_that_there_is_not_is_one_clear_sentence(
    action: list[str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "file").touch()
    (place / "loop").symlink_to("loop")
    for folder, said in (
        ("/nope\x1b", "--cwd: there is no folder /nope\\u{1b}"),
        ("file", "--cwd: file is a file, not a folder"),
        ("file/x", "--cwd: there is no folder file/x"),
        ("loop", "--cwd: there is no folder loop"),
    ):
        assert main(["policy", action[0], "--cwd", folder, *action[1:]]) == 2
        said_to = capsys.readouterr()
        assert said in said_to.err and said_to.err.count("\n") == 1 and not said_to.out
    if action[0] != "show":
        assert main(["policy", action[0], "--root", "/nope", *action[1:]]) == 2
        assert "--root: there is no folder /nope" in capsys.readouterr().err
    assert not (place.parent / "home" / "config" / "tool-policy.json").exists()


@pytest.mark.parametrize("words", [["sudo", "ls"], ["cat", "/etc/shadow"], ["rm", "-rf", "/"]])
def test_a_rule_that_could_never_allow_is_not_written(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["policy", "allow", "--", *words]) == 2
    assert "no rule can allow this, so none was written" in capsys.readouterr().err
    assert not (tmp_path / "home" / "config" / "tool-policy.json").exists()


def test_what_is_known_of_one_script_is_not_said_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", "python3 confirm.py --flag value"]) == 0
    said = capsys.readouterr().out
    assert "what the script does with it is not known" in said
    assert "manage.py" not in said


def test_explain_names_the_role_of_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", "LC_ALL=C grep -rn --include=*.py TODO src > out.txt"]) == 0
    out = capsys.readouterr().out
    for word in (
        "LC_ALL=C   variable",
        "-r   option",
        "-n   option",
        "TODO   pattern",
        "src   ",
        "> out.txt   redirection",
    ):
        assert word in out, word


@pytest.mark.parametrize("name", ["tool-policy.json", ".vtcode/tool-policy.json"])
def test_a_workspace_cannot_hold_the_start_up_with_a_pipe_or_point_elsewhere(
    name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / name
    file.parent.mkdir(exist_ok=True)
    os.mkfifo(file)
    assert main(["policy", "check", "--", "ls"]) == 2
    assert "is not a regular file" in capsys.readouterr().err
    file.unlink()
    file.symlink_to("/etc/passwd")
    assert main(["policy", "check", "--", "ls"]) == 2
    assert "is a symbolic link" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "the file: should be a table in braces"),
        ('{"version": 2}', "version: should be 1"),
        ('{"commands": [{"command": "ls"}]}', "commands.0.command: should be a list in brackets"),
        ('{"mcp": 5}', "mcp: should be a table in braces"),
        ('{"paths": [{"pattern": "x"}]}', "paths.0: give `read`, `write` or both a verdict"),
        ('{"network": [{"host": "https://x/", "verdict": "deny"}]}', "network.0: a host is a name such as"),
        ('{"policies": {"a": "x"}}', "policies.a: should be 'allow', 'prompt' or 'deny'"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_the_words_of_its_author(
    content: str, said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "tool-policy.json").write_text(content)
    assert main(["policy", "show"]) == 2
    assert said in capsys.readouterr().err


def test_a_tool_that_does_not_exist_is_said(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert main(["policy", "deny", "--tool", "edit_fil"]) == 2
    assert "no tool of vtcode is called 'edit_fil': did you mean 'edit_file'?" in capsys.readouterr().err
    (place / "tool-policy.json").write_text(
        '{"policies": {"wite_file": "deny", "mcp__a__b": "deny", "edit_*": "deny"}}'
    )
    assert main(["policy", "show"]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert "did you mean 'write_file'?" in notes[0]
