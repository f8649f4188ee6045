"""A letter is on the screen at once, and what is painted for it alone is what would be painted with everything."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from textual.geometry import Region
from textual.strip import Strip

from tests.tui.device import Terminal
from tests.tui.rig import Rig
from vtcode_tui.tui.keyboard import Keyboard
from vtcode_tui.tui.panes.prompt import Prompt

TEXTS = (
    "plain words",
    "wide \u4e2d\u6587 and \U0001f600 signs",
    "a line that goes on and on " * 12,
    "several\n\nlines\n" * 5,
    "a tab\there",
    "f(in [brackets])",
    "no\u200bwidth e\u0301 \x1b[31m",
    "!command",
)


def cells(strips: list[Strip]) -> list[list[tuple[str, str]]]:
    """Each character with its looks, however the rows are cut into segments."""
    return [[(letter, str(segment.style)) for segment in strip for letter in segment.text] for strip in strips]


def rows(prompt: Prompt) -> list[list[tuple[str, str]]]:
    """Every row by itself, as one is painted after a letter; those not marked as changed come from before."""
    width, height = prompt.outer_size
    return cells([prompt.render_lines(Region(0, y, width, 1))[0] for y in range(height)])


def all_anew(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """Every row as Textual's text area paints it when nothing is remembered."""
    with monkeypatch.context() as patch:
        patch.setattr(Prompt, "_ordinary_row", lambda self, y: None)
        prompt._styles_cache.clear()
        prompt._line_cache.clear()
        return rows(prompt)


@pytest.mark.parametrize("text", TEXTS)
async def test_what_an_edit_paints_is_what_textual_would_paint_anew(
    text: str, rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = random.Random(text)
    on = rig()
    async with on.app.run_test(size=(80, 24)) as pilot:
        await on.ready(pilot)
        prompt = on.app.work.prompt
        prompt.put(text)
        await pilot.pause()
        for _ in range(25):
            for _ in range(chosen.randrange(6)):
                chosen.choice((prompt.action_cursor_left, prompt.action_cursor_right, prompt.action_cursor_up))()
            await pilot.pause()
            rows(prompt)  # what is remembered from here on is of before the edit
            match chosen.choice(("left", "right", "a", "(", " ", "\u4e2d")):
                case "left":
                    prompt.action_delete_left()
                case "right":
                    prompt.action_delete_right()
                case letter:
                    prompt.insert(letter)
            await pilot.pause()
            seen = rows(prompt)
            assert seen == all_anew(prompt, monkeypatch), prompt.text


def test_keys_that_come_in_any_pieces_are_typed_in_their_order(terminal: Callable[..., Terminal]) -> None:
    term = terminal("quiet")
    term.until(term.shows("/ command"))
    for piece in (b"a", b"bc", b"\x1b[D", b"X", b"\x1b[C", b"d", b"\x7f", b"e", b"\xc3", b"\xa9", b"f"):
        term.send(piece)
    term.until(term.shows("abXce\u00e9f"))
    for letter in b" once more, letter by letter":
        term.send(bytes((letter,)))
    term.until(term.shows("f once more, letter by letter"))


def test_a_letter_by_itself_is_the_key_that_the_parser_makes_of_it() -> None:
    for code in range(0x20, 0x7F):
        keyboard, letter = Keyboard(), bytes((code,))
        first, again = list(keyboard.feed(letter)), list(keyboard.feed(letter))
        assert [str(key) for key in first] == [str(key) for key in again], letter


def test_a_letter_within_a_sequence_a_paste_or_a_character_is_none_by_itself() -> None:
    for begun, rest in ((b"\x1b[", b"A"), (b"\x1b[200~", b"A"), (b"\xc3", b"A"), (b"\x1b", b"a")):
        knowing, fresh = Keyboard(), Keyboard()
        list(knowing.feed(b"A")), list(knowing.feed(b"a"))
        for keyboard in (knowing, fresh):
            list(keyboard.feed(begun))
        assert [str(key) for key in knowing.feed(rest)] == [str(key) for key in fresh.feed(rest)], begun
