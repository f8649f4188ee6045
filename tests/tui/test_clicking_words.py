"""A double click takes the word under it, a triple one the line: nobody wants the whole pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.cells import cell_len
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection
from textual.strip import Strip

from tests.tui.rig import Rig, staged, until
from tests.tui.scenes import begin, respond, run
from vtcode_tui.tui.picture import text_of
from vtcode_tui.tui.sheet import Sheet
from vtcode_tui.workspace.changes import ChangeSet, FileChange, Hunk

Make = Callable[..., Rig]


async def click_on(pilot: Pilot[Any], pane: Sheet, word: str, times: int) -> str:
    """Click on the middle of a word in a pane; the text that is selected then."""
    rows = [pane.row(y).text for y in range(pane.row_count())]
    y = next(y for y, text in enumerate(rows) if word in text)
    x = cell_len(rows[y][: rows[y].index(word) + len(word) // 2])
    await pilot.click(pane, offset=(x - int(pane.scroll_offset.x), y - int(pane.scroll_offset.y)), times=times)
    return pane.screen.get_selected_text() or ""


def cells(strip: Strip) -> list[tuple[str, object]]:
    """Each character of a strip with what is behind it."""
    return [(one, part.style and (part.style.bgcolor, part.style.reverse)) for part in strip for one in part.text]


async def test_a_double_click_takes_a_word_and_a_triple_one_its_line_in_the_chat(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        said = "看 the fault is in src/calc.py. " + "It rounds where nobody would expect it to, " * 4 + "so be it"
        core.say(respond(said))
        chat = app.app.work.chat
        await until(lambda: "src/calc.py" in text_of(app.app), pilot)
        assert await click_on(pilot, chat, "src/calc.py", 2) == "src/calc.py"
        assert await click_on(pilot, chat, "rounds", 2) == "rounds"
        assert (await click_on(pilot, chat, "so be it", 3)).strip() == said


async def test_paragraphs_and_code_are_copied_as_they_were_written(rig: Make) -> None:
    app = rig()
    long = "word " * 40
    said = f"One {long}end.\n\nTwo.\n\n```python\ndef f():\n    return 1\n\n\n    # {'x' * 200}\n```\n\nThree."
    async with app.app.run_test(size=(80, 48)) as pilot:
        core = await app.ready(pilot)
        core.say(respond(said))
        chat = app.app.work.chat
        await until(lambda: "Three." in text_of(app.app), pilot)
        app.app.screen.selections = {chat: Selection(None, None)}
        assert chat.screen.get_selected_text() == "\n" + said.replace("```python", "python").replace("```\n", "")


async def test_of_a_diff_the_text_is_copied_of_one_side_without_numbers_and_signs(rig: Make) -> None:
    app = rig()
    old = b"def f():\n    return 1\n" + b"x = '" + b"word  " * 40 + b"'\n"
    new = old.replace(b"1", b"2  # two\n    # words")
    hunk = Hunk(0, 2, (b"    return 1\n",), 2, (b"    return 2  # two\n", b"    # words\n"))
    file = FileChange("a.py", "update", added=2, removed=1, hunks=(hunk,), old_text=old, new_text=new)
    async with app.app.run_test(size=(120, 40)) as pilot:
        core = await app.ready(pilot)
        core.waiting = ChangeSet((file,))
        diff = app.app.work.diff
        diff.show(core.waiting)
        await pilot.press("f3", "f9")
        both = old.replace(b"1\n", b"1\n" + b"".join(hunk.new_lines)).decode().rstrip()
        for mode, whole in (("unified", both), ("split", old.decode().rstrip())):
            if diff.mode != mode:
                await pilot.press("s")
            await until(lambda: diff.split == (diff.mode == "split"), pilot)
            assert (await click_on(pilot, diff, "two", 3)) == "    return 2  # two"
            rows = [diff.row(y).text for y in range(diff.row_count())]
            first = next(y for y, row in enumerate(rows) if "def f" in row)
            app.app.screen.selections = {diff: Selection(Offset(0, first), Offset(len(rows[-1]), len(rows) - 1))}
            assert diff.screen.get_selected_text() == whole
        at = rows[first].rindex("def")
        app.app.screen.selections = {diff: Selection(Offset(at, first), Offset(at + 99, len(rows) - 1))}
        assert diff.screen.get_selected_text() == new.decode().rstrip()


async def test_a_double_click_takes_a_word_and_a_triple_one_its_line_in_the_terminal(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        long = "begin " + "x" * 200 + " end"
        run(core, "call-9", "ls", f"total 3\r\n漢字 drwxr-x ./a_b-c.txt:12 more\r\n{long}\r\nlast\r\n".encode())
        pane = app.app.work.terminal
        await until(lambda: "last" in text_of(app.app), pilot)
        assert await click_on(pilot, pane, "a_b-c.txt", 2) == "./a_b-c.txt:12"
        assert await click_on(pilot, pane, "total", 3) == "total 3"
        assert await click_on(pilot, pane, " end", 3) == long
        app.app.work.action_pane("terminal")
        await pilot.press("y")
        assert long in app.app.clipboard


async def test_a_double_click_takes_a_word_in_the_diff_and_what_is_marked_is_what_is_copied(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        await app.ready(pilot)
        app.core.waiting = staged()
        app.app.work.files_changed()
        diff = app.app.work.diff
        await until(lambda: bool(diff.changes.files), pilot)
        await pilot.press("f3", "f9")
        await until(lambda: diff.size.height > 30, pilot)
        assert await click_on(pilot, diff, "assert", 2) == "assert"
        assert "assert True" in await click_on(pilot, diff, "assert", 3)


async def test_the_mark_covers_the_selected_characters_behind_wide_ones(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        run(core, "call-9", "ls", "漢字漢字 here\r\n".encode())
        pane = app.app.work.terminal
        await until(lambda: "here" in text_of(app.app), pilot)
        assert await click_on(pilot, pane, "here", 2) == "here"
        rows = range(pane.size.height)
        seen = [cells(pane.render_line(y)) for y in rows]
        app.app.work.clear_selection()
        plain = [cells(pane.render_line(y)) for y in rows]
        marked = [a[0] for y in rows for a, b in zip(seen[y], plain[y], strict=True) if a[1] != b[1]]
        assert "".join(marked) == "here"


async def test_keys_are_offered_only_where_they_would_do_something(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(160, 48)) as pilot:
        core = await app.ready(pilot)
        await pilot.press("f3")
        await until(lambda: app.app.focused is app.app.work.diff, pilot)
        assert "a accept" not in text_of(app.app)
        core.waiting = staged()
        app.app.work.files_changed()
        await until(lambda: "a accept" in text_of(app.app), pilot)
        core.waiting = type(core.waiting)()
        app.app.work.files_changed()
        await until(lambda: "a accept" not in text_of(app.app), pilot)
