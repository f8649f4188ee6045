"""The program over a slow line, as by SSH: keys, paste, mouse, sizes and approvals, whatever arrives in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.distant import Distant


@pytest.fixture
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Distant]:
    made = Distant("deciding", tmp_path, request.param, columns=160, rows=48)
    yield made
    made.close()


def place(term: Distant, text: str) -> tuple[int, int]:
    """Column and row of a text, counted from one as a mouse is told of."""
    for number, row in enumerate(term.rows()):
        if text in row:
            return row.index(text) + 1, number + 1
    raise AssertionError(f"{text!r} is not on the screen")


def click(term: Distant, text: str) -> None:
    x, y = place(term, text)
    term.send(f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m".encode())


def counts(term: Distant, command: str) -> bool:
    """Whether the person sees a command, and that a yes to it counts now: it stands in bold."""
    rows = range(term.screen.history, term.screen.height)
    return term.shows(command)() and any(
        run.pen.bold and "approve once" in run.text for row in rows for run in term.screen.runs(row)
    )


def verdicts(term: Distant) -> int:
    return term.errors.read_text().count("VERDICT")


@pytest.mark.parametrize("far", [0.2], indirect=True)
def test_keys_paste_mouse_and_sizes_arrive_whole_over_a_slow_line(far: Distant) -> None:
    far.until(far.shows("the first answer"))
    far.send("schön\x1b[D\x1b[DX\x1b[F\x1bOH>".encode())
    far.until(far.shows(">schXön"))
    far.send(b"\x1b[F\x1b[200~ pasted \x1b[31m\r\x19 twice\x1b[201~!")
    far.until(far.shows("twice!"))
    assert far.shows("pasted")() and "SUBMIT" not in far.errors.read_text()
    click(far, "events")
    far.until(far.shows("/ filter"))
    far.send(b"/")
    far.until(far.shows("filter events"))
    far.send(b"type:prompt\r")
    far.until(far.shows("1 of"))
    for columns, rows in ((60, 20), (120, 40), (80, 24)):
        far.resize(columns, rows)
    far.until(lambda: far.screen.columns == 80 and any(row.rstrip() for row in far.rows()[-2:]))
    far.send(b"\x1bOQ")
    far.until(far.shows("twice!"))
    far.until(far.shows("the first answer"))
    assert not far.ended()


# There and back this takes longer than the grace time: only the terminal's own word tells what was seen.
@pytest.mark.parametrize("far", [0.4], indirect=True)
def test_what_was_typed_before_an_approval_was_seen_answers_nothing_and_afterwards_each_way_does(
    far: Distant,
) -> None:
    far.until(far.shows("the first answer"))
    # The person types on and presses the chord until they see what it is about.
    far.tell("go")
    while not far.shows("1 of 1")():
        far.send(b"\x19")
        far.read(0.05)
    far.until(lambda: counts(far, "make first"))
    far.send(b"typed")
    far.until(far.shows("typed"))  # whatever was under way has arrived before it
    assert verdicts(far) == 0, "a chord counted that was pressed before anything was on the person's screen"
    far.send(b"\x19")
    far.until(lambda: verdicts(far) == 1)
    far.until(far.shows("make second"))
    far.send(b"!")
    far.until(far.shows("typed!"))  # the picture is whole: what is bold in it is no longer the first one's answer
    far.until(lambda: counts(far, "make second"))
    click(far, "^Y approve once")
    far.until(lambda: verdicts(far) == 2)
    far.until(far.shows("make third"))
    far.send(b"\x1bn")
    far.until(far.shows("why"))
    far.send(b"not now\r")
    far.until(lambda: verdicts(far) == 3)
    assert far.errors.read_text().split().count("granted") == 2
    assert "denied" in far.errors.read_text()
