"""Tool calls that are not commands, the modes, trust, protected paths, and text typed into a shell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vtcode_tui.policy import (
    Access,
    Call,
    Command,
    Decision,
    FileState,
    Policy,
    Situation,
    decide,
    default_situation,
)


@pytest.fixture
def situation(tmp_path: Path) -> Situation:
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("x = 1\n")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_rsa").write_text("secret")
    (home / ".local" / "state" / "vtcode").mkdir(parents=True)
    return replace(
        default_situation(root, home),
        own=(home / ".local" / "state" / "vtcode",),
        protected=(".git/hooks/", ".github/workflows/", ".envrc"),
    )


def call(tool: str, situation: Situation, **access: object) -> Call:
    return Call("1", tool, {}, Access(**access), situation.root)  # type: ignore[arg-type]


def run(text: str, situation: Situation) -> Decision:
    made = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), situation.root)
    return decide(made, Policy(), situation, scopes=False)


@pytest.mark.parametrize("tool", ["read_file", "list_files", "search_text", "find_files", "symbols"])
def test_reading_the_workspace_is_allowed(tool: str, situation: Situation) -> None:
    made = call(tool, situation, reads=(situation.root / "src",))
    assert decide(made, Policy(), situation).mode == "allow"


@pytest.mark.parametrize("tool", ["edit_file", "write_file", "apply_patch"])
def test_edits_are_allowed_when_staged_and_asked_about_otherwise(tool: str, situation: Situation) -> None:
    made = call(tool, situation, writes=(FileState(situation.root / "src" / "a.py", None),))
    assert decide(made, Policy(), situation).mode == "allow"
    assert decide(made, Policy(), replace(situation, staged=False)).mode == "prompt"


def test_a_protected_path_asks_by_name(situation: Situation) -> None:
    made = call("write_file", situation, writes=(FileState(situation.root / ".envrc", None),))
    decision = decide(made, Policy(), situation)
    assert decision.mode == "prompt"
    assert ".envrc" in decision.reason


@pytest.mark.parametrize(
    "name", [".vt-workspace-trust", "vtcode.toml", "tool-policy.json", ".vtcode/tool-policy.json", "VTCODE.TOML"]
)
def test_vtcodes_own_files_are_denied(name: str, situation: Situation) -> None:
    made = call("write_file", situation, writes=(FileState(situation.root / name, None),))
    assert decide(made, Policy(), situation).mode == "deny"
    assert run(f"touch {name}", situation).mode == "deny"
    assert run(f"echo x > {name}", situation).mode == "deny"


def test_vtcodes_own_folders_are_out_of_reach(situation: Situation) -> None:
    own = situation.own[0]
    assert run(f"cat {own}/keys/x", situation).mode == "deny"
    assert run(f"ls {own}", situation).mode == "deny"
    assert decide(call("read_file", situation, reads=(own / "x",)), Policy(), situation).mode == "deny"


def test_a_link_out_of_the_workspace_is_judged_by_where_it_leads(situation: Situation) -> None:
    (situation.root / "notes").symlink_to(situation.user_home / ".ssh")
    (situation.root / "up").symlink_to("..")
    assert run("cat notes/id_rsa", situation).mode == "deny"
    assert run("cat up/home/.ssh/id_rsa", situation).mode == "deny"
    assert run("ls up", situation).mode == "prompt"
    assert run("cat src/../notes/id_rsa", situation).mode == "deny"
    assert run("cat src/../src/a.py", situation).mode == "allow"
    (situation.root / "loop").symlink_to("loop")
    assert run("cat loop/x", situation).mode == "prompt"


def test_a_link_that_is_made_between_two_decisions_counts_at_once(situation: Situation) -> None:
    (situation.root / "out").mkdir()
    texts = (
        "cat out/x",
        "cat < out/x",
        "touch out/x",
        "cd out && cat x",
        "cp a out/x",
        "ls src/../out/..",
        "cat 'out'/x",
    )
    outside = situation.root.parent / "elsewhere"
    (outside / "below").mkdir(parents=True)
    for _ in range(2):
        assert {text: run(text, situation).mode for text in texts} == dict.fromkeys(texts, "allow")
        (situation.root / "out").rmdir()
        (situation.root / "out").symlink_to(outside / "below")
        assert {text: run(text, situation).mode for text in texts} == dict.fromkeys(texts, "prompt")
        (situation.root / "out").unlink()
        (situation.root / "out").mkdir()


def test_masked_files_are_denied_by_name_and_their_examples_are_not(situation: Situation) -> None:
    assert run("cat .env", situation).mode == "deny"
    assert run("cat .env.example", situation).mode == "allow"
    assert run("grep -r KEY .", situation).mode == "allow"
    assert run("ls -la .env", situation).mode == "allow"


@pytest.mark.parametrize("mode", ["plan", "read-only"])
def test_a_reading_mode_denies_what_changes(mode: str, situation: Situation) -> None:
    reading = replace(situation, mode=mode)  # type: ignore[arg-type]
    assert run("git status", reading).mode == "allow"
    assert run("rg foo src", reading).mode == "allow"
    assert run("touch a", reading).mode == "deny"
    assert run("ls > out.txt", reading).mode == "deny"
    assert run("git commit -m x", reading).mode == "deny"
    assert run("pytest", reading).mode == ("prompt" if mode == "plan" else "deny")
    made = call("edit_file", reading, writes=(FileState(reading.root / "src" / "a.py", None),))
    assert decide(made, Policy(), reading).mode == "deny"


def test_nothing_runs_in_a_workspace_without_trust(situation: Situation) -> None:
    untrusted = replace(situation, trusted=False)
    assert run("ls", untrusted).mode == "deny"
    assert decide(call("read_file", untrusted), Policy(), untrusted).mode == "deny"


def test_an_unknown_tool_asks(situation: Situation) -> None:
    assert decide(call("launch_missiles", situation), Policy(), situation).mode == "prompt"


def test_a_command_tool_without_a_command_asks(situation: Situation) -> None:
    assert decide(call("run_command", situation), Policy(), situation).mode == "prompt"


@pytest.mark.parametrize(
    ("typed", "mode"),
    [
        ("ls -la\n", "allow"),
        ("git push\n", "prompt"),
        ("sudo id\n", "deny"),
        ("cat ~/.ssh/id_rsa\n", "deny"),
        ("\x03", "allow"),
    ],
)
def test_text_typed_into_a_shell_is_judged_like_a_command(typed: str, mode: str, situation: Situation) -> None:
    made = call("write_stdin", situation, typed=typed)
    assert decide(made, Policy(), situation).mode == mode


def test_a_human_may_accept_changes_and_a_model_may_not(situation: Situation) -> None:
    ordinary = (FileState(situation.root / "src" / "a.py", "x"),)
    hook = (FileState(situation.root / ".git" / "hooks" / "pre-commit", None),)

    def accept(origin: str, writes: tuple[FileState, ...]) -> str:
        made = Call("1", "accept_changes", {}, Access(writes=writes), situation.root, origin)  # type: ignore[arg-type]
        return decide(made, Policy(), situation).mode

    assert accept("human", ordinary) == "allow"
    assert accept("model", ordinary) == "deny"
    assert accept("human", hook) == "prompt"


def test_a_command_outside_the_workspace_asks(situation: Situation) -> None:
    made = Call("1", "run_command", {}, Access(command=Command(text="ls")), situation.root.parent)
    assert decide(made, Policy(), situation).mode == "prompt"


def test_the_code_that_a_command_runs_and_the_hosts_it_contacts_are_named(situation: Situation) -> None:
    assert run("python src/a.py", situation).code_files == (situation.root / "src" / "a.py",)
    assert run("curl https://example.com:8443/x", situation).hosts == ("example.com:8443",)
    assert run("python src/a.py", situation).risk == "high"


def test_the_explanation_names_every_command_and_every_role(situation: Situation) -> None:
    text = "find . -name '*.py' | xargs grep -l foo && rm x"
    made = Call("1", "run_command", {}, Access(command=Command(text=text)), situation.root)
    decision = decide(made, Policy(), situation)
    assert decision.explanation is not None
    commands = decision.explanation["commands"]
    assert [c["program"] for c in commands] == ["find", "xargs", "rm"]
    assert commands[1]["runs"][0]["program"] == "grep"
    assert commands[2]["arguments"] == [
        {"word": "x", "role": "delete", "as": "delete", "verdict": "prompt", "detail": "deletes x"}
    ]


@pytest.mark.parametrize(
    ("reader", "typed", "mode"),
    [
        (("bash",), "git push\n", "prompt"),
        (("bash",), "ls\n", "allow"),
        (("bash",), "git pu", "prompt"),
        (("bash",), "ls", "prompt"),
        (("/bin/bash", "--norc", "-c", "echo hi; exec bash"), "git push\n", "prompt"),
        (("/bin/bash", "--norc", "-c", "env FOO=1 sh"), "sudo id\n", "deny"),
        (("/bin/bash", "--norc", "-c", "cat"), "git push\n", "allow"),
        (("python3",), "import os\n", "prompt"),
        (("python3", "-i", "src/a.py"), "import os\n", "prompt"),
        (("python3", "-c", "input()"), "bob\n", "allow"),
        (("./something",), "git push\n", "prompt"),
        (("$SHELL",), "git push\n", "prompt"),
        ((), "git push\n", "prompt"),
        (("less", "README.md"), "!sh\n", "prompt"),
        (("/bin/bash", "--norc", "-c", "less README.md"), "!id\n", "prompt"),
        (("git", "log"), "q", "allow"),
        (("man", "ls"), "!id\n", "prompt"),
        (("more", "a"), "v", "prompt"),
        (("vim", "a.txt"), ":!sh\n", "prompt"),
        (("vim", "a.txt"), "x", "prompt"),
        (("nano", "a.txt"), "\x14", "prompt"),
        (("ed", "a.txt"), "!id\n", "prompt"),
        (("top",), "k", "prompt"),
        (("psql",), "\\! id\n", "prompt"),
        (("sqlite3", "a.db"), ".shell id\n", "prompt"),
        (("gdb", "a"), "shell id\n", "prompt"),
        (("python3",), "exit()\n", "prompt"),
        (("node",), "process.exit()\n", "prompt"),
        (("ssh", "host"), "ls\n", "prompt"),
        (("pytest", "--pdb"), "import os\n", "prompt"),
        (("/bin/bash", "--norc", "-c", "sort | less"), "!id\n", "prompt"),
        (("timeout", "9", "less", "a"), "!id\n", "prompt"),
        (("npm", "test"), "q\n", "allow"),
        (("pytest", "-s"), "yes\n", "allow"),
        (("cat",), "!sh\n", "allow"),
        (("bash",), "cd .git/hooks\n", "prompt"),
        (("bash",), "(cd src; ls)\n", "prompt"),
        (("bash",), "git push", "prompt"),
    ],
)
def test_typed_text_is_judged_by_the_program_that_reads_it(
    reader: tuple[str, ...], typed: str, mode: str, situation: Situation
) -> None:
    made = Call("1", "write_stdin", {}, Access(typed=typed, reader=reader), situation.root)
    assert decide(made, Policy(), situation).mode == mode


def test_a_reader_among_the_models_arguments_means_nothing(situation: Situation) -> None:
    made = Call("1", "write_stdin", {"reader": "cat"}, Access(typed="git push\n", reader=("bash",)), situation.root)
    assert decide(made, Policy(), situation).mode == "prompt"
