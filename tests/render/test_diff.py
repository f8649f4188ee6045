from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.render import DiffView, parse_unified, width
from vtcode_tui.workspace.changes import ChangeSet, Clash, FileChange, Hunk
from vtcode_tui.workspace.describe import change_of

OLD = b"import os\n\ndef f(x):\n    return x + 1\n" + b"same\n" * 20 + b"end\n"
NEW = b"import os\nimport sys\n\ndef f(x, y):\n    return x + y + 1\n" + b"same\n" * 20 + b"end"


def rows(view: DiffView) -> list[str]:
    return [row.line.text.rstrip() for row in view]


def test_unified_rows_have_numbers_signs_and_hunks() -> None:
    view = DiffView([change_of("a.py", OLD, NEW)], 60)
    assert rows(view) == [
        "update a.py  +4 -3",
        "@@ -2,0 +2,1 @@  hunk 1 of 3",
        " 1  1   import os",
        "    2 + import sys",
        "@@ -3,2 +4,2 @@  hunk 2 of 3",
        " 2  3",
        " 3    - def f(x):",
        " 4    -     return x + 1",
        "    4 + def f(x, y):",
        "    5 +     return x + y + 1",
        " 5  6   same",
        " 6  7   same",
        " 7  8   same",
        "  ⋯ 14 unchanged lines",
        "@@ -25,1 +26,1 @@  hunk 3 of 3",
        "22 23   same",
        "23 24   same",
        "24 25   same",
        "25    - end",
        "   26 + end (no line end)",
    ]
    assert [row.hunk for row in view][3:12] == [0, 1, 1, 1, 1, 1, 1, 1, 1]


def test_side_by_side_puts_a_line_next_to_what_it_became() -> None:
    view = DiffView([change_of("a.py", OLD, NEW)], 61, side_by_side=True)
    assert rows(view)[6:8] == [
        " 3 - def f(x):                │ 4 + def f(x, y):",
        " 4 -     return x + 1         │ 5 +     return x + y + 1",
    ]
    assert {width(row.line.text[: row.line.text.index("│")]) for row in view if "│" in row.line.text} == {30}


def test_a_file_that_is_created_has_no_line_before_its_first() -> None:
    change = FileChange("a", "create", added=1, hunks=(Hunk(0, 0, (), 1, (b"x\n",)),), new_text=b"x\n")
    assert rows(DiffView([change], 40)) == ["create a  +1 -0", "@@ -0,0 +1,1 @@  hunk 1 of 1", "  1 + x"]


def test_a_conflict_shows_both_sides_and_what_was_decided() -> None:
    clash = Clash(4, 7, (b"old\n",), (b"mine " * 18 + b"\n",), (b"the agent's\x1b\n",))
    change = FileChange("a", "update", conflict="both changed it", clashes=(clash,))
    for settled, said in ((None, "open"), ({"a": {4: "agent"}}, "the agent's is taken"), ({"a": {4: b"x"}}, "own")):
        for wrap in (True, False):
            view = DiffView([change], 60, wrap=wrap, settled=settled)
            text = rows(view)
            assert said in text[3] and text[-1] == "  agent  the agent's␛"
            assert sum(row.startswith("  yours") for row in text) == (2 if wrap else 1)
            assert view.hunk_lines == [3] and view.line_of_hunk(0, 4, clash=True) == 3


def test_the_words_that_changed_are_marked() -> None:
    view = DiffView([change_of("a.py", OLD, NEW)], 60)
    added = next(row for row in view if row.new == 4 and row.kind == "added")
    assert "".join(span.text for span in added.line.spans if span.style.ground == "added-word") == ", y"
    assert added.line.fill == "added"


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_line_that_goes_on_beyond_the_pane_says_so_on_either_side(side_by_side: bool) -> None:
    line = b"begin" + b"x" * 200 + b"end\n"
    view = DiffView([change_of("a", b"", line)], 80, side_by_side=side_by_side, wrap=False)

    def sides() -> tuple[bool, bool]:
        text = next(row.line.text for row in view if row.new == 1).split("│")[-1].split("+ ")[1].rstrip()
        return text.startswith("…"), text.endswith("…")

    assert sides() == (False, True)
    view.left = 40
    assert sides() == (True, True)
    view.left = 190
    assert sides() == (True, False)


def test_code_is_coloured_by_the_file_s_name() -> None:
    view = DiffView([change_of("a.py", b"", b"def f():\n    return 'x'\n")], 60)
    names = {span.text: span.style.name for row in view for span in row.line.spans}
    assert names["def"] == "syntax.keyword"
    assert names["'x'"] == "syntax.string"
    plain = DiffView([change_of("a.py", b"", b"def f():\n")], 60, syntax=False)
    assert {span.style.name for span in plain[2].line.spans} == {"muted", "added", "text"}


def test_jumping_goes_from_hunk_to_hunk_and_file_to_file() -> None:
    view = DiffView(ChangeSet((change_of("a.py", OLD, NEW), change_of("b.py", b"x\n", b"y\n"))), 60)
    assert view.hunk_lines == [1, 4, 14, 21]
    assert view.file_lines == [0, 20]
    assert view.after(view.hunk_lines, 4) == 14
    assert view.after(view.hunk_lines, 50) == 21
    assert view.before(view.hunk_lines, 4) == 1
    assert view.before(view.hunk_lines, 0) == 1
    assert view.line_of_hunk(1, 0) == 21
    assert view[22].file == 1


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"a \n", b"a\n", ["- a·", "+ a"]),
        (b"\tx\n", b"        x\n", ["- ␉x", "+         x"]),
        (b"x\r\ny\n", b"x\ny\n", ["- x␍", "+ x"]),
        (b"x", b"x\n", ["- x (no line end)", "+ x"]),
        (b"x\n", b"x\xc2\xa0\n", ["- x", "+ x⟦U+00A0⟧"]),
        (b"x\n", b"y  \n", ["- x", "+ y··"]),
        (b"a\n", b"\x1b[2Ja\xe2\x80\xae\n", ["- a", "+ ␛[2Ja⟦U+202E⟧"]),
        ("é\n".encode(), "e\u0301\n".encode(), ["- é", "+ e⟦U+0301⟧"]),
        (b"  x\n", b"    x\n", ["-   x", "+     x"]),
        (b"a\n", b"caf\xe9\n", ["- a", "+ caf⟦E9⟧"]),
    ],
)
def test_what_is_hard_to_see_is_seen(old: bytes, new: bytes, seen: list[str]) -> None:
    for wrap in (False, True):
        texts = [row.line.text for row in DiffView([change_of("notes", old, new)], 40, wrap=wrap)]
        shown = [text[4:] for text in texts if text[4:5] in "+-" and text[:1] != "@"]
        assert [text.rstrip(" ") for text in shown[:2]] == seen


def test_line_ends_of_a_file_for_windows_are_not_shouted_about() -> None:
    view = DiffView([change_of("a.txt", b"one\r\ntwo\r\n", b"one\r\nthree\r\n")], 40)
    assert not any("␍" in text for text in rows(view))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (change_of("b", b"\0\1", b"\0\2"), "  binary, 2 bytes now"),
        (change_of("new.py", b"x\n", b"y\n", renamed_from="old.py"), "  renamed from old.py"),
        (change_of("x.sh", b"x\n", b"x\n", mode=0o644, after_mode=0o755), "  mode 0644 → 0755"),
        (
            change_of("c", b"x\n", b"y\n", conflict="the file changed meanwhile"),
            "  conflict: the file changed meanwhile",
        ),
        (FileChange("l", "symlink", "symlink", target="/etc/\x1b[2J"), "  symbolic link to /etc/␛[2J"),
        (FileChange("d/l", "symlink", "symlink", target="../x"), "  symbolic link to ../x"),
        (
            FileChange("d/l", "symlink", "symlink", target="../../x"),
            "  symbolic link to ../../x, outside of the workspace",
        ),
        (FileChange("d", "create", "folder"), "  a folder with nothing in it"),
        (change_of("big", b"", b"x\n" * 2_000_000), "  too large to show, 4,000,000 bytes now"),
    ],
)
def test_what_is_not_lines_is_said(change: FileChange, note: str) -> None:
    assert note in rows(DiffView([change], 80))


def test_a_hostile_path_cannot_leave_its_row() -> None:
    view = DiffView([change_of("a\n\x1b]0;x\x07b\u202e", None, b"x\n")], 60)
    assert view[0].line.text == "create a␊␛]0;x␇b⟦U+202E⟧  +1 -0"


LINES = st.lists(
    st.sampled_from(["a", "b", "bb cc", "漢字漢字漢字漢字", "x" * 70, "\tt", "e ", "\x1b", ""]), max_size=25
)


@settings(max_examples=examples(40, 5_000), deadline=None)
@given(LINES, LINES, st.booleans(), st.booleans(), st.integers(0, 4) | st.none(), st.integers(20, 70))
def test_every_changed_line_is_in_the_view_and_no_row_is_too_wide(
    old: list[str], new: list[str], side: bool, wrap: bool, context: int | None, cells: int
) -> None:
    before, after = "\n".join(old).encode(), "\n".join(new).encode()
    change = change_of("notes", before, after)
    view = DiffView([change], cells, side_by_side=side, wrap=wrap, context=context)
    all_rows = list(view)
    assert len(all_rows) == len(view)
    shown_old = {row.old for row in all_rows if row.kind in {"removed", "pair"}} - {0}
    shown_new = {row.new for row in all_rows if row.kind in {"added", "pair"}} - {0}
    assert shown_old == {hunk.old_start + n for hunk in change.hunks for n in range(len(hunk.old_lines))}
    assert shown_new == {hunk.new_start + n for hunk in change.hunks for n in range(len(hunk.new_lines))}
    for row in all_rows:
        assert width(row.line.text) <= cells
    if wrap and not side:
        whole = "".join(row.line.text.replace(" ", "") for row in all_rows)
        assert whole.count("x" * 5) >= 0
        for line in new:
            if len(line) == 70 and line not in old:
                assert sum(row.line.text.count("x") for row in all_rows if row.kind == "added") >= 70
    if context is None and change.hunks:
        numbers = {row.new for row in all_rows if row.new and row.kind != "note"}
        assert numbers == set(range(1, after.count(b"\n") + 1 + (not after.endswith(b"\n") and after != b"")))


def test_scrolling_to_the_right_keeps_the_numbers() -> None:
    view = DiffView([change_of("notes", b"", b"0123456789" * 10 + b"\n")], 30)
    view.left = 15
    assert view[2].line.text.startswith("  1 + …6789012345")
    assert view.widest == 101


def test_a_diff_from_an_event_is_read_with_its_unchanged_lines() -> None:
    text = "--- a/x.py\n+++ b/x.py\n@@ -3,3 +3,3 @@ def f\n one\n-two\n+2\n three\n\\ No newline at end of file\n"
    view = DiffView([parse_unified("x.py", text)], 60)
    assert rows(view)[1:] == ["@@ -4,1 +4,1 @@  hunk 1 of 1", "3 3   one", "4   - two", "  4 + 2", "5 5   three"]


@given(st.text(max_size=200))
def test_any_text_can_be_read_as_a_diff(text: str) -> None:
    for row in DiffView([parse_unified("x", f"@@ -1,1 +1,1 @@\n{text}")], 40):
        assert "\n" not in row.line.text
