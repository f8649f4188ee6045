"""Every data file under `programs/` is read whole, and its own examples are judged as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from vtcode_tui.policy import Access, Call, Command, Decision, Policy, Situation, decide, default_situation
from vtcode_tui.policy.catalogue import FOLDER, contents, describe, index

FILES = sorted(p.name for p in FOLDER.glob("*.toml"))
ROOT = Path("/work-that-does-not-exist/project")
HOME = Path("/home/dev")


def situation() -> Situation:
    return default_situation(ROOT, HOME)


def verdict(text: str) -> Decision:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    return decide(call, Policy(), situation(), scopes=False)


@pytest.mark.parametrize("file", FILES)
def test_the_examples_of_a_file_get_the_verdict_it_states(file: str) -> None:
    _, examples = contents(file)
    wrong = []
    for mode, commands in examples.items():
        for command in commands:
            decision = verdict(command)
            if decision.mode != mode:
                wrong.append(f"{command!r} is {decision.mode}, not {mode}: {decision.reason}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("file", FILES)
def test_a_file_names_its_sources_and_every_program_it_describes(file: str) -> None:
    import tomllib

    table = tomllib.loads((FOLDER / file).read_text())
    assert table["sources"], "a file says where it has its knowledge from"
    described, examples = contents(file)
    assert set(table["names"]) == set(described)
    assert examples.get("allow") or examples.get("prompt") or examples.get("deny")


def test_a_hundred_and_fifty_programs_are_described() -> None:
    assert len(index()) >= 150


def test_a_version_in_the_name_is_the_same_program() -> None:
    found = describe("python3.12")
    assert found is not None
    assert found.file == "python.toml"
    assert describe("npm2") is None
