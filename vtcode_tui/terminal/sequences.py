"""What each escape sequence does to the state: three tables. What is in none of them is counted and dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vtcode_tui.terminal.pens import PLAIN_ID
from vtcode_tui.terminal.state import Mouse, State

Numbers = tuple[int, ...]
Action = Callable[[State, Numbers], None]


def _first(numbers: Numbers, default: int = 1) -> int:
    """The first parameter; zero and nothing mean the default."""
    return (numbers[0] if numbers else 0) or default


def _column(state: State) -> int:
    return min(state.x, state.columns - 1)


def _up(state: State, numbers: Numbers) -> None:
    stop = state.top if state.y >= state.top else 0
    state.move(_column(state), max(stop, state.y - _first(numbers)))


def _down(state: State, numbers: Numbers) -> None:
    stop = state.bottom - 1 if state.y < state.bottom else state.rows - 1
    state.move(_column(state), min(stop, state.y + _first(numbers)))


def _right(state: State, numbers: Numbers) -> None:
    state.move(_column(state) + _first(numbers), state.y)


def _left(state: State, numbers: Numbers) -> None:
    state.move(_column(state) - _first(numbers), state.y)


def _next_lines(state: State, numbers: Numbers) -> None:
    state.x = 0
    _down(state, numbers)


def _previous_lines(state: State, numbers: Numbers) -> None:
    state.x = 0
    _up(state, numbers)


def _to_column(state: State, numbers: Numbers) -> None:
    state.move(_first(numbers) - 1, state.y)


def _to_row(state: State, numbers: Numbers) -> None:
    state.place(_column(state), _first(numbers) - 1)


def _to_place(state: State, numbers: Numbers) -> None:
    state.place((numbers[1] if len(numbers) > 1 else 1) - 1, _first(numbers) - 1)


def _erase_display(state: State, numbers: Numbers) -> None:
    grid, y, blank = state.grid, state.y, state.blank
    match numbers[0] if numbers else 0:
        case 0:
            if state.x < state.columns:
                grid.erase(y, state.x, state.columns, blank)
            grid.clear(y + 1, state.rows, blank)
        case 1:
            grid.clear(0, y, blank)
            grid.erase(y, 0, min(state.x + 1, state.columns), blank)
        case 2:
            if grid is state.main and grid.history is not None:
                _keep_picture(state)
            grid.clear(0, state.rows, blank)
        case 3 if state.main.history is not None:
            state.main.history.clear()


def _keep_picture(state: State) -> None:
    """A cleared main screen goes to the history first, as far as something is on it."""
    used = max((row + 1 for row, text in enumerate(state.grid.texts) if text.strip()), default=0)
    if used:
        state.grid.scroll_up(0, state.rows, used, PLAIN_ID)


def _erase_line(state: State, numbers: Numbers) -> None:
    match numbers[0] if numbers else 0:
        case 0 if state.x < state.columns:
            state.grid.erase(state.y, state.x, state.columns, state.blank)
        case 1:
            state.grid.erase(state.y, 0, min(state.x + 1, state.columns), state.blank)
        case 2:
            state.grid.erase(state.y, 0, state.columns, state.blank)


def _erase_cells(state: State, numbers: Numbers) -> None:
    if state.x < state.columns:
        state.grid.erase(state.y, state.x, min(state.x + _first(numbers), state.columns), state.blank)


def _insert_cells(state: State, numbers: Numbers) -> None:
    if state.x < state.columns:
        count = min(_first(numbers), state.columns - state.x)
        state.grid.insert_cells(state.y, state.x, count, state.blank)


def _delete_cells(state: State, numbers: Numbers) -> None:
    if state.x < state.columns:
        count = min(_first(numbers), state.columns - state.x)
        state.grid.delete_cells(state.y, state.x, count, state.blank)


def _insert_lines(state: State, numbers: Numbers) -> None:
    if state.top <= state.y < state.bottom:
        state.grid.scroll_down(state.y, state.bottom, _first(numbers), state.blank)


def _delete_lines(state: State, numbers: Numbers) -> None:
    if state.top <= state.y < state.bottom:
        state.grid.scroll_up(state.y, state.bottom, _first(numbers), state.blank, keep=False)


def _scroll_up(state: State, numbers: Numbers) -> None:
    state.grid.scroll_up(state.top, state.bottom, _first(numbers), state.blank)


def _scroll_down(state: State, numbers: Numbers) -> None:
    state.grid.scroll_down(state.top, state.bottom, _first(numbers), state.blank)


def _repeat(state: State, numbers: Numbers) -> None:
    # To the end of the row and no further, or five bytes of output would be work for a whole screen.
    count = min(_first(numbers), state.columns - state.x)
    if state.last and count > 0:
        state.put(state.last[-1] * count)


def _margins(state: State, numbers: Numbers) -> None:
    top = _first(numbers) - 1
    bottom = min((numbers[1] if len(numbers) > 1 else 0) or state.rows, state.rows)
    if top < bottom - 1:
        state.top, state.bottom = top, bottom
        state.place(0, 0)


def _clear_tabs(state: State, numbers: Numbers) -> None:
    match numbers[0] if numbers else 0:
        case 0:
            state.tabs.discard(_column(state))
        case 3:
            state.tabs.clear()


def _report(state: State, numbers: Numbers) -> None:
    match numbers[0] if numbers else 0:
        case 5:
            state.answer("\x1b[0n")
        case 6:
            top = state.top if state.origin else 0
            state.answer(f"\x1b[{state.y - top + 1};{_column(state) + 1}R")


def _window(state: State, numbers: Numbers) -> None:
    if numbers and numbers[0] == 18:
        state.answer(f"\x1b[8;{state.rows};{state.columns}t")


def _ansi_mode(on: bool) -> Action:
    def change(state: State, numbers: Numbers) -> None:
        for number in numbers:
            if number == 4:
                state.inserting = on
            elif number == 20:
                state.newline = on

    return change


_MOUSE: dict[int, Mouse] = {9: "press", 1000: "click", 1002: "drag", 1003: "motion"}
_FLAGS = {1: "application_cursor", 66: "application_keypad", 1004: "focus_events", 1006: "mouse_sgr"}
_FLAGS |= {2004: "bracketed_paste", 2026: "synchronized"}


def _private_mode(on: bool) -> Action:
    def change(state: State, numbers: Numbers) -> None:
        for number in numbers:
            _set_private(state, number, on)

    return change


def _set_private(state: State, number: int, on: bool) -> None:
    match number:
        case _ if number in _FLAGS:
            flag: dict[str, Any] = {_FLAGS[number]: on}
            state.modes = replace(state.modes, **flag)
        case 6:
            state.origin = on
            state.place(0, 0)
        case 7:
            state.autowrap = on
            if not on:
                state.x = _column(state)
        case 25:
            state.visible = on
        case 47 | 1047:
            state.use_alternate(on)
        case 1048:
            _save(state, ()) if on else _restore(state, ())
        case 1049 if on:
            if state.alternate is None:
                state.saved_main = state.save()
            state.use_alternate(True)
        case 1049 if state.alternate is not None:
            state.use_alternate(False)
            state.restore(state.saved_main)
        case _ if number in _MOUSE:
            state.modes = replace(state.modes, mouse=_MOUSE[number] if on else "off")
        case _:
            state.counts["mode"] += 1


def _ask_mode(state: State, numbers: Numbers) -> None:
    number = _first(numbers, 0)
    known: dict[int, bool] = {6: state.origin, 7: state.autowrap, 25: state.visible}
    known |= {number: getattr(state.modes, name) for number, name in _FLAGS.items()}
    known |= {1049: state.alternate is not None}
    value = {True: 1, False: 2}[known[number]] if number in known else 0
    state.answer(f"\x1b[?{number};{value}$y")


def _save(state: State, numbers: Numbers) -> None:
    state.saved = state.save()


def _restore(state: State, numbers: Numbers) -> None:
    state.restore(state.saved)


def _reset_soft(state: State, numbers: Numbers) -> None:
    state.soft_reset()


CSI: dict[str, Action] = {
    "A": _up,
    "B": _down,
    "C": _right,
    "D": _left,
    "E": _next_lines,
    "F": _previous_lines,
    "G": _to_column,
    "H": _to_place,
    "I": lambda state, numbers: state.tab(_first(numbers)),
    "J": _erase_display,
    "K": _erase_line,
    "L": _insert_lines,
    "M": _delete_lines,
    "P": _delete_cells,
    "S": _scroll_up,
    "T": _scroll_down,
    "X": _erase_cells,
    "Z": lambda state, numbers: state.tab(-_first(numbers)),
    "@": _insert_cells,
    "`": _to_column,
    "a": _right,
    "b": _repeat,
    "c": lambda state, numbers: state.answer("\x1b[?62;22c"),
    "d": _to_row,
    "e": _down,
    "f": _to_place,
    "g": _clear_tabs,
    "h": _ansi_mode(True),
    "l": _ansi_mode(False),
    "n": _report,
    "r": _margins,
    "s": _save,
    "t": _window,
    "u": _restore,
    "?J": _erase_display,
    "?K": _erase_line,
    "?h": _private_mode(True),
    "?l": _private_mode(False),
    "?$p": _ask_mode,
    ">c": lambda state, numbers: state.answer("\x1b[>41;0;0c"),
    "!p": _reset_soft,
}
"""Private marker, intermediates and final byte of a control sequence -> what it does."""


def _next_line(state: State) -> None:
    state.x = 0
    state.feed_line()


def _tab_stop(state: State) -> None:
    state.tabs.add(_column(state))


def _alignment(state: State) -> None:
    for y in range(state.rows):
        state.grid.texts[y] = "E" * state.columns
        state.grid.pens[y] = PLAIN_ID * state.columns
        state.grid.wraps[y] = False
    state.top, state.bottom = 0, state.rows
    state.move(0, 0)


def _charset(slot: int, graphics: bool) -> Callable[[State], None]:
    def change(state: State) -> None:
        first, second = state.charsets
        state.charsets = (graphics, second) if slot == 0 else (first, graphics)

    return change


def _keypad(on: bool) -> Callable[[State], None]:
    def change(state: State) -> None:
        state.modes = replace(state.modes, application_keypad=on)

    return change


ESC: dict[str, Callable[[State], None]] = {
    "7": lambda state: _save(state, ()),
    "8": lambda state: _restore(state, ()),
    "D": State.feed_line,
    "E": _next_line,
    "H": _tab_stop,
    "M": State.reverse_line,
    "Z": lambda state: state.answer("\x1b[?62;22c"),
    "c": State.reset,
    "=": _keypad(True),
    ">": _keypad(False),
    "#8": _alignment,
    "(0": _charset(0, True),
    ")0": _charset(1, True),
    **{f"({name}": _charset(0, False) for name in "ABU12"},
    **{f"){name}": _charset(1, False) for name in "ABU12"},
}
"""What follows ESC -> what it does."""


def _bell(state: State) -> None:
    state.counts["bell"] += 1


def _backspace(state: State) -> None:
    state.x = max(0, _column(state) - 1)


def _carriage_return(state: State) -> None:
    state.x = 0


def _line_feed(state: State) -> None:
    if state.newline:
        state.x = 0
    state.feed_line()


def _shift(on: bool) -> Callable[[State], None]:
    def change(state: State) -> None:
        state.shifted = on

    return change


CONTROLS: dict[str, Callable[[State], None]] = {
    "\x07": _bell,
    "\x08": _backspace,
    "\t": lambda state: state.tab(1),
    "\n": _line_feed,
    "\x0b": _line_feed,
    "\x0c": _line_feed,
    "\r": _carriage_return,
    "\x0e": _shift(True),
    "\x0f": _shift(False),
}
"""Control characters. C1 codes are not among them: a program that writes UTF-8 means no control by U+009B."""
