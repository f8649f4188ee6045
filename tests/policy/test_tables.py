"""Tables of commands with the verdict that a senior engineer would set."""

from __future__ import annotations

import json
from pathlib import Path

from vtcode_tui.common.home import Home
from vtcode_tui.policy import Access, Call, Command, Decision, Mode, decide, default_situation, load_policy
from vtcode_tui.policy.catalogue import FOLDER
from vtcode_tui.policy.types import STRICTNESS

MODES: dict[str, Mode] = {"allow": "allow", "prompt": "prompt", "deny": "deny"}
TABLES = Path(__file__).parent / "tables"
ROOT = Path("/work-that-does-not-exist/project")
SITUATION = default_situation(ROOT, Path("/home/dev"))
RULES = load_policy(
    Home.from_environment({"VTCODE_HOME": "/does-not-exist"}), None, managed=Path("/does-not-exist")
)
"""The rules that are shipped: what a new user has."""


def decision(text: str) -> Decision:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    return decide(call, RULES, SITUATION, scopes=False)


def everyday() -> list[tuple[Mode, str]]:
    rows: list[tuple[Mode, str]] = []
    for line in (TABLES / "everyday.tsv").read_text().splitlines():
        mode, _, command = line.partition("\t")
        if "<<" in command and "<<<" not in command:
            # A here-document has lines; elsewhere the two characters stand for themselves.
            command = command.replace("\\n", "\n")
        rows.append((MODES[mode], command))
    return rows


def adversarial() -> list[tuple[str, str]]:
    lines = (FOLDER.parent / "adversarial.jsonl").read_text().splitlines()
    return [(group, command) for group, command in map(json.loads, lines)]


def test_the_tables_are_large_and_without_repetition() -> None:
    usual, hostile = [c for _, c in everyday()], [c for _, c in adversarial()]
    assert len(usual) >= 600
    assert len(usual) == len(set(usual))
    assert len(hostile) >= 1000
    assert len(hostile) == len(set(hostile))


def test_no_adversarial_command_is_allowed() -> None:
    allowed = [f"{group}: {command!r}" for group, command in adversarial() if decision(command).mode == "allow"]
    assert not allowed, "\n" + "\n".join(allowed)


def test_everyday_commands_are_hardly_ever_stricter_than_a_senior_engineer() -> None:
    rows = everyday()
    stricter, looser = [], []
    for mode, command in rows:
        got = decision(command)
        line = f"{command!r} is {got.mode}, not {mode}: {got.reason}"
        if STRICTNESS[got.mode] > STRICTNESS[mode]:
            stricter.append(line)
        elif got.mode != mode:
            looser.append(line)
    assert not looser, "\n" + "\n".join(looser)
    assert len(stricter) * 100 <= len(rows), "\n" + "\n".join(stricter)


def test_nine_in_ten_of_what_a_senior_engineer_allows_is_allowed() -> None:
    wanted = [command for mode, command in everyday() if mode == "allow"]
    allowed = [command for command in wanted if decision(command).mode == "allow"]
    assert len(allowed) >= 0.97 * len(wanted)
