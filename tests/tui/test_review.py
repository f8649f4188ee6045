"""The diff pane: the tree, the person's own text in place of the agent's, conflicts, comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import Paste
from textual.pilot import Pilot

from tests.tui.rig import Rig, ScriptedCore, staged, until
from vtcode_tui.render import plain
from vtcode_tui.tui.own_text import own_text
from vtcode_tui.tui.panes.files import tree_of
from vtcode_tui.tui.screens.ask import Ask
from vtcode_tui.tui.screens.pick import Pick
from vtcode_tui.tui.screens.rewrite import Lines, Rewrite
from vtcode_tui.workspace.changes import ChangeSet, Clash, Edited, FileChange, Hunk, Overwrite, Rewritten, Settled

Make = Callable[..., Rig]

CONFLICT = FileChange(
    "src/both.py", "update", before_sha256="a" * 64, after_sha256="b" * 64, added=2, removed=2,
    hunks=(Hunk(0, 2, (b"old 2\n",), 2, (b"agent 2\n",)), Hunk(1, 9, (b"old 9\n",), 9, (b"agent 9\n",))),
    conflict="you changed the same lines since",
    clashes=(
        Clash(0, 2, (b"old 2\n",), (b"mine 2\n",), (b"agent 2\n",)),
        Clash(1, 9, (b"old 9\n",), (b"mine 9\n", b"and more\n"), (b"agent 9\n",)),
    ),
)  # fmt: skip
GONE = FileChange("logo.png", "update", binary=True, size=9, conflict="the file was replaced since")


async def reviewing(rig: Rig, pilot: Pilot[Any], changes: ChangeSet) -> ScriptedCore:
    core = await rig.ready(pilot)
    core.waiting = changes
    rig.app.work.diff.show(changes)
    await pilot.press("f3")
    return core


async def press(rig: Rig, pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        rig.app.pressed = 0.0
        await pilot.press(key)


def told(core: ScriptedCore, what: str) -> list[Any]:
    return [entry[1] for entry in core.told if entry[0] == what]


def text_of(rig: Rig) -> str:
    diff = rig.app.work.diff
    return "\n".join(diff.row(y).text for y in range(diff.row_count()))


def heading_of(rig: Rig) -> str:
    return "".join(span.text for span in rig.app.work.diff.summary())


async def rewrite(rig: Rig, pilot: Pilot[Any]) -> Lines:
    await until(lambda: isinstance(rig.app.screen, Rewrite), pilot)
    return rig.app.screen.query_one(Lines)


async def test_a_hunk_is_accepted_as_the_person_wrote_it(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, staged())
        await press(app, pilot, "n", "e")
        lines = await rewrite(app, pilot)
        assert lines.text == "    return a + b\n    # checked"
        lines.text = "    return b + a"
        await press(app, pilot, "ctrl+s")
        await until(lambda: bool(told(core, "accept")), pilot)
        assert told(core, "accept") == [{"src/calc.py": Edited({0: b"    return b + a\n"})}]


async def test_what_was_written_is_not_lost_when_its_key_comes_in_a_burst(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, staged())
        await press(app, pilot, "n", "e")
        lines = await rewrite(app, pilot)
        lines.text = "    return b + a"
        screen = app.app.screen
        assert isinstance(screen, Rewrite)
        app.app.typed_alone = False
        screen.action_give()
        await until(lambda: any("press it again" in n.message for n in app.app._notifications), pilot)
        assert isinstance(app.app.screen, Rewrite) and not told(core, "accept")
        app.app.typed_alone = True
        core.stale = "src/calc.py: not what was on the screen any more; look again"
        screen.action_give()
        app.app.typed_alone = False  # the next key comes before the text is taken
        await until(lambda: bool(told(core, "accept")), pilot)
        assert told(core, "accept") == [{"src/calc.py": Edited({0: b"    return b + a\n"})}]
        await until(lambda: app.app.clipboard == "    return b + a\n", pilot)
        said = [n.message for n in app.app._notifications]
        assert any("look again" in one for one in said) and any("text you wrote" in one for one in said)


async def test_an_edit_that_is_left_accepts_nothing_and_asks_once_when_something_was_written(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, staged())
        await press(app, pilot, "n", "e")
        await rewrite(app, pilot)
        await press(app, pilot, "escape")
        await until(lambda: app.app.screen is app.app.work, pilot)
        await press(app, pilot, "e")
        await rewrite(app, pilot)
        await press(app, pilot, "x", "escape")
        assert isinstance(app.app.screen, Rewrite)
        await press(app, pilot, "escape")
        await until(lambda: app.app.screen is app.app.work, pilot)
        assert not told(core, "accept")


async def test_a_file_is_accepted_as_the_person_wrote_it_and_pastes_are_made_visible(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, staged())
        await press(app, pilot, "N", "E")
        lines = await rewrite(app, pilot)
        lines.select_all()
        lines.post_message(Paste("x = 1\u202e"))
        await until(lambda: "x = 1" in lines.text, pilot)
        await press(app, pilot, "ctrl+s")
        await until(lambda: bool(told(core, "accept")), pilot)
        assert told(core, "accept") == [{"tests/test_calc.py": Rewritten("x = 1⟦U+202E⟧\n".encode())}]


async def test_a_conflict_is_decided_clash_by_clash_and_nothing_is_written_before(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, ChangeSet((CONFLICT,)))
        text = text_of(app)
        for piece in ("conflict 1 of 2 at line 2  open", "yours  mine 2", "agent  agent 2", "yours  and more"):
            assert piece in text
        assert "2 open conflicts" in heading_of(app)
        await press(app, pilot, "f")
        await until(lambda: any("2 conflicts are open" in n.message for n in app.app._notifications), pilot)
        await press(app, pilot, "n", "m")
        await until(lambda: "conflict 1 of 2 at line 2  yours stays" in text_of(app), pilot)
        await press(app, pilot, "e")
        lines = await rewrite(app, pilot)
        assert lines.text == "mine 9\nand more\nagent 9"
        lines.text = "both 9"
        await press(app, pilot, "ctrl+s")
        await until(lambda: "at line 9  your own text" in text_of(app), pilot)
        assert "conflicts decided (f accepts the file so)" in heading_of(app)
        work = app.app.work
        work.diff.put_cursor(work.diff.find("src/both.py", None, 1) or 0)
        await press(app, pilot, "e")
        assert (await rewrite(app, pilot)).text == "both 9", "what was written is written on"
        await press(app, pilot, "escape")
        assert not told(core, "accept")
        await press(app, pilot, "f")
        await until(lambda: bool(told(core, "accept")), pilot)
        assert told(core, "accept") == [{"src/both.py": Settled({0: "workspace", 1: b"both 9\n"})}]


async def test_a_hunk_of_a_file_in_conflict_is_neither_rejected_nor_written_and_x_on_a_conflict_keeps_mine(
    rig: Make,
) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, ChangeSet((CONFLICT,)))
        work = app.app.work
        for key in ("x", "e"):
            work.diff.put_cursor(work.diff.find("src/both.py", 1) or 0)
            app.app.clear_notifications()
            await press(app, pilot, key)
            await until(lambda: any("2 conflicts are open" in n.message for n in app.app._notifications), pilot)
            assert app.app.screen is work
        work.diff.put_cursor(work.diff.find("src/both.py", None, 0) or 0)
        await press(app, pilot, "x")
        await until(lambda: "conflict 1 of 2 at line 2  yours stays" in text_of(app), pilot)
        await until(lambda: "1 open conflict " in heading_of(app), pilot)
        assert "conflict 2 of 2 at line 9  open" in text_of(app)
        assert not told(core, "discard")


async def test_the_agents_side_of_every_open_conflict_is_taken_with_one_key_from_the_files_row(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, ChangeSet((CONFLICT,)))
        await press(app, pilot, "home", "t", "A")
        await until(lambda: bool(told(core, "accept")), pilot)
        assert told(core, "accept") == [{"src/both.py": Settled({0: "agent", 1: "agent"})}]


async def test_decisions_are_forgotten_when_other_changes_come(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        await reviewing(app, pilot, ChangeSet((CONFLICT,)))
        await press(app, pilot, "home", "t")
        app.app.work.diff.show(ChangeSet((CONFLICT, GONE)))
        assert "conflict 1 of 2 at line 2  open" in text_of(app)


async def test_a_conflict_without_lines_is_overwritten_only_by_name(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, ChangeSet((GONE,)))
        for answer, accepted in (("no", []), ("yes", [{"logo.png": Overwrite()}])):
            await press(app, pilot, "f")
            await until(lambda: isinstance(app.app.screen, Ask), pilot)
            await press(app, pilot, *answer, "enter")
            await until(lambda: app.app.screen is app.app.work, pilot)
            await until(lambda accepted=accepted: told(core, "accept") == accepted, pilot)  # type: ignore[misc]


async def test_what_is_in_the_files_already_is_said_so_and_not_edited_here(rig: Make) -> None:
    app = rig()
    app.prepare = lambda core: setattr(core, "staged", False)
    async with app.app.run_test(size=(120, 40)) as pilot:
        await reviewing(app, pilot, staged())
        assert "in your files already" in "".join(span.text for span in app.app.work.diff.summary())
        await press(app, pilot, "n", "e")
        await until(lambda: any("in your files already" in n.message for n in app.app._notifications), pilot)


async def test_a_comment_on_a_line_goes_to_the_model_with_the_line(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, staged())
        await press(app, pilot, "n")
        diff = app.app.work.diff
        while "+     return a + b" not in diff.row(diff.cursor or 0).text:
            await press(app, pilot, "down")
        await press(app, pilot, "c")
        await until(lambda: isinstance(app.app.screen, Ask), pilot)
        await press(app, pilot, *"use sum", "enter")
        await until(lambda: bool(told(core, "submit")), pilot)
        (sent,) = told(core, "submit")
        assert sent.startswith("In `src/calc.py` line 3:") and sent.endswith("use sum")


@pytest.mark.parametrize("heading", ["update src/calc.py", "hunk 1 of 2"])
async def test_a_comment_on_a_heading_is_about_the_first_change_below_it(rig: Make, heading: str) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, staged())
        diff = app.app.work.diff
        diff.put_cursor(next(y for y in range(diff.row_count()) if heading in diff.row(y).text))
        await press(app, pilot, "c")
        await until(lambda: isinstance(app.app.screen, Ask), pilot)
        await press(app, pilot, *"why?", "enter")
        await until(lambda: bool(told(core, "submit")), pilot)
        (sent,) = told(core, "submit")
        assert sent.startswith("In `src/calc.py` line 3:\n> ") and "hunk" not in sent


async def test_a_comment_on_a_file_without_lines_is_about_the_file(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await reviewing(app, pilot, ChangeSet((FileChange("logo.bin", "update", binary=True, size=9),)))
        await press(app, pilot, "c")
        await until(lambda: isinstance(app.app.screen, Ask), pilot)
        await press(app, pilot, *"why?", "enter")
        await until(lambda: bool(told(core, "submit")), pilot)
        assert told(core, "submit") == ["In `logo.bin`\nwhy?"]


MANY = ChangeSet(
    (
        FileChange("README.md", "update", added=1),
        FileChange("src/deep/only/one.py", "create", added=12),
        FileChange("src/deep/only/two.py", "delete", removed=3),
        FileChange("tests/a.py", "update", added=1, removed=1, protected=True),
    )
)


def test_the_tree_joins_folders_that_hold_one_folder_only() -> None:
    shown = [("  " * twig.depth) + twig.name for twig in tree_of(MANY)]
    assert shown == ["README.md", "src/deep/only/", "  one.py", "  two.py", "tests/", "  a.py"]


async def test_the_tree_stands_beside_a_wide_diff_and_is_a_list_beside_a_narrow_one(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        await reviewing(app, pilot, MANY)
        await press(app, pilot, "f9")
        body = app.app.work.diff_body
        await until(lambda: bool(body.files.display), pilot)
        await pilot.pause()
        rows = [body.files.row(y).text.rstrip() for y in range(body.files.row_count())]
        assert rows[2].split() == ["A", "one.py", "+12"] and "protected" in rows[5]
        await pilot.click("#files", offset=(6, 3))
        place = app.app.work.diff.place()
        assert place is not None and place.path == "src/deep/only/two.py"
        await press(app, pilot, "T")
        assert not body.files.display
        await pilot.resize_terminal(80, 24)
        await press(app, pilot, "T")
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        await pilot.press(*"a.py", "enter")
        await until(lambda: (p := app.app.work.diff.place()) is not None and p.path == "tests/a.py", pilot)
        await press(app, pilot, "T")
        await until(lambda: isinstance(app.app.screen, Pick), pilot)
        await pilot.press("home", *"src", "enter")  # a folder: the first file in it
        await until(lambda: (p := app.app.work.diff.place()) is not None and p.path.startswith("src/"), pilot)
        app.app.work.diff.show(ChangeSet())
        await press(app, pilot, "T")
        assert app.app.screen is app.app.work, "no empty list is opened"


@given(st.text())
def test_text_that_is_left_alone_gives_the_same_bytes_or_is_refused(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    try:
        own = own_text(raw, "x")
    except ValueError as error:
        assert str(error).startswith("x ")
        return
    assert own.back(own.text) == raw
    seen = own.text.replace("\t", " ")
    assert plain(seen) == seen


@pytest.mark.parametrize("raw", [b"a\nb\n", b"a\nb", b"a\r\nb\r\n", b"", b"\n", b"a\n\n", b"\tx  \n"])
def test_every_kind_of_line_end_survives_an_editor(raw: bytes) -> None:
    own = own_text(raw, "x")
    assert own.back(own.text) == raw


def many(count: int, name: str = "src/large.py") -> ChangeSet:
    old = [f"value_{n} = {n}\n".encode() for n in range(count * 8)]
    hunks = tuple(Hunk(n, n * 8 + 1, (old[n * 8],), n * 8 + 1, (b"changed %d\n" % n,)) for n in range(count))
    new = b"".join(b"changed %d\n" % (n // 8) if n % 8 == 0 else line for n, line in enumerate(old))
    return ChangeSet(
        (FileChange(name, "update", added=count, removed=count, hunks=hunks, old_text=b"".join(old), new_text=new),)
    )


async def test_a_large_diff_is_laid_out_beside_the_loop_and_only_the_last_one_counts(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        await app.ready(pilot)
        pane = app.app.work.diff
        pane.show(many(2000, "src/first.py"))
        assert pane.row_count() == 0, "nothing waits for the rows of two thousand hunks"
        pane.show(many(2001, "src/second.py"))
        await pilot.press(*"typed")
        assert app.app.work.prompt.text == "typed"
        await until(lambda: pane.row_count() > 2000, pilot)
        await pilot.press("f3", "n", "n")
        await until(lambda: (place := pane.place()) is not None and place.hunk == 1, pilot)
        assert (place := pane.place()) is not None and place.path == "src/second.py"
        await pilot.press("w")
        await until(lambda: not pane.wrapped and (place := pane.place()) is not None and place.hunk == 1, pilot)
        pane.show(ChangeSet())
        assert pane.row_count() == 0
        pane.show(many(2000))
        pane.show(many(1))
        await until(lambda: not any(worker.group == "laying" for worker in app.app.workers), pilot)
        assert pane.find("src/large.py", 1999) is None or pane.row_count() < 100
