"""The policy's explanation as rows: everything that decided is there, nothing in it reaches a terminal raw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.render.test_safety import CHARACTERS, unsafe
from vtcode_tui.policy import Access, Call, Command, Decision, Policy, decide, default_situation
from vtcode_tui.render import cut_spans, width
from vtcode_tui.render.explanation import (
    MOST_COMMANDS,
    branches,
    commands_of,
    lines_of_explanation,
    outline,
)

ROOT = Path("/work-that-does-not-exist/project")
SITUATION = default_situation(ROOT, Path("/home/dev"))


def explained(text: str) -> Decision:
    call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), ROOT)
    return decide(call, Policy(), SITUATION)


def texts(text: str, cells: int = 100) -> list[str]:
    return [line.text for line in lines_of_explanation(explained(text).explanation, cells)]


def test_a_pipeline_with_wrappers_is_a_tree_with_rules_roles_and_what_would_change_it() -> None:
    rows = texts("git ls-files '*.log' | xargs -n 1 timeout 5 rm -f > ../out.txt")
    text = "\n".join(rows)
    starts = [
        next(row.index("▾") for row in rows if f"{head}   " in row)
        for head in (
            "allow  git ls-files '*.log'",
            "prompt xargs -n 1 timeout 5 rm -f",
            "prompt timeout 5 rm -f ...",
        )
    ] + [next(row.index("▾") for row in rows if "▾ prompt rm -f ...   " in row)]
    assert starts[0] == starts[1] < starts[2] < starts[3]
    assert "git ls-files by programs/git.toml, reads" in text
    assert "'*.log'   revision" in text and "1   -n, text" in text
    assert "-f   option, flag" in text
    assert "> ../out.txt   redirection, write   prompt: writes ../out.txt, outside the workspace" in text
    assert "what would change it: stay inside the workspace: writes ../out.txt" in text


def test_a_rule_that_settled_a_command_is_named_with_its_place() -> None:
    policy = Policy().with_rules([{"command": ["rm", "a"], "verdict": "allow"}])
    call = Call("1", "run_command", {}, Access(command=Command(text="rm a; rm b")), ROOT)
    rows = [line.text for line in lines_of_explanation(decide(call, policy, SITUATION).explanation)]
    assert sum("settled by the rule at session" in row for row in rows) == 1


@given(st.lists(st.text(CHARACTERS, max_size=30), max_size=6), st.integers(24, 120))
@settings(max_examples=examples(100, 5_000), deadline=None)
@example(["cat", "a\u202eb", "\x1b]52;c;aGk=\x07", "> \u200bx"], 40)
def test_no_byte_of_a_command_reaches_the_terminal_raw_and_no_row_is_too_wide(words: list[str], cells: int) -> None:
    found = explained("cat " + " ".join(words)).explanation
    for line in lines_of_explanation(found, cells):
        assert not any(unsafe(char) for char in line.text) and "\n" not in line.text
        assert width(line.text) <= cells + 1
    assert width("".join(span.text for span in cut_spans(outline(found or {}), cells))) <= cells


def test_an_outline_counts_what_asks_and_marks_each_program() -> None:
    text = "".join(span.text for span in outline(explained("cat a | xargs rm; sudo ls").explanation or {}))
    assert text == "4 commands, 2 ask, 1 denied: ✓ cat  ? xargs › ? rm  ✗ sudo"


def test_a_script_made_to_flood_is_counted_and_not_drawn_whole() -> None:
    found: Any = explained("; ".join(f"rm {'x ' * 90}" for _ in range(MOST_COMMANDS + 5))).explanation
    rows = branches(found, 80)
    assert len(list(commands_of(found))) == MOST_COMMANDS + 5
    assert rows[-1].line.text == "and 5 commands more"
    assert any("words more" in row.line.text for row in rows)
    assert len(rows) < 20_000
    long: Any = explained("rm " + "y" * 5000).explanation
    text = "".join(row.line.text.strip() + " " for row in branches(long, 80))
    assert "(4,840 more characters)" in text and "y" * 500 not in text.replace(" ", "")
