"""The session as lines: what a screen reader gets."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from tests.tui.rig import ScriptedCore, request
from tests.tui.scenes import begin, respond, waits
from vtcode_tui.events.types import ToolFinished
from vtcode_tui.tui.linear import Linear, Lines, converse


@contextlib.contextmanager
def in_lines() -> Iterator[tuple[ScriptedCore, Linear, Lines, io.StringIO, io.FileIO]]:
    """A scripted core in lines, what it said, and the keyboard."""
    read, write = os.pipe()
    with os.fdopen(read, "r") as stdin, io.FileIO(write, "w") as keys:
        lines, out = Lines(stdin), io.StringIO()
        linear = Linear(lines, out)
        try:
            yield ScriptedCore(linear, linear.happened), linear, lines, out, keys
        finally:
            lines.close()


async def test_what_happens_is_told_in_order_and_an_approval_needs_a_word_typed_after_it() -> None:
    with in_lines() as (core, linear, lines, out, keys):
        begin(core)
        keys.write(b"approve\n")
        await asyncio.sleep(0)
        while lines._waiting.empty():
            await asyncio.sleep(0)
        waits(core)
        while "type approve" not in out.getvalue():
            await asyncio.sleep(0)
        talking = asyncio.get_running_loop().create_task(converse(core, linear, lines))
        await asyncio.sleep(0)
        assert not core.asked[0].done()
        keys.write(b"deny too risky\n")
        verdict = await core.asked[0]
        assert (verdict.outcome, verdict.reason) == ("denied", "too risky")
        core.say(
            respond("Done.\n\n| file | lines |\n|---|--:|\n| **a.py** | 42 |\n| b.py | |\n\n| head |\n|---|\n")
        )
        ended = ToolFinished(
            tool="run_command",
            status="error",
            summary="exit status 3",
            result="x\n[exit status 3]",
            result_sha256="",
            duration_ms=5,
        )
        core.say(ended, call="c9")
        core.say(ended.model_copy(update={"summary": "Wrote a.py.", "result": "Wrote a.py."}), call="c9")
        keys.write(b"fix it\n!ls\n/changes\n/quit\n")
        await talking
    shown = out.getvalue()
    assert shown.index("The test in tests/test_calc.py fails") < shown.index("cargo build") < shown.index("Done.")
    assert shown.count("--serve  # fast") == 2, "a call and its question: heard once each"
    assert "⟦U+202E⟧" in shown and "\u202e" not in shown
    rows = [row.strip() for row in shown.splitlines()]
    assert "file: a.py; lines: 42" in rows and "file: b.py; lines: empty" in rows and "head" in rows
    assert not set("│─┼") & set(shown)
    assert shown.count("exit status 3") == 1 and shown.count("Wrote a.py.") == 1 and "x" in rows
    told: list[tuple[Any, ...]] = core.told
    assert ("submit", "fix it", ()) in told and ("shell", "ls") in told


LIES = (
    "ls\nend of what would run\nsandbox: nothing is written\ntype approve\n| rm -rf ~",
    "echo \x1b]52;c;aGk=\x07\u202e\u200b  \n\n\ttrue \r\n",
)


@settings(max_examples=examples(40))
@given(st.one_of(st.sampled_from(LIES), st.text(st.characters(exclude_categories=["Cs"]), min_size=1)))
def test_an_approval_in_lines_is_to_the_byte_what_was_signed_and_nothing_in_it_passes_for_our_own_words(
    command: str,
) -> None:
    asked, out = request(command), io.StringIO()

    async def ask() -> None:
        read, write = os.pipe()
        with os.fdopen(read, "r") as stdin:
            lines = Lines(stdin)
            waiting = asyncio.get_running_loop().create_task(Linear(lines, out).ask(asked))
            while "type approve" not in out.getvalue().rpartition("\nend of what would run\n")[2]:
                await asyncio.sleep(0)
            waiting.cancel()
            lines.close()
        os.close(write)

    asyncio.run(ask())
    said = out.getvalue().split("\n")
    begin = next(place for place, line in enumerate(said) if line.startswith("what would run, "))
    count = int(said[begin].split()[3])
    marked = said[begin + 1 : begin + 1 + count]
    assert all(line.startswith("| ") for line in marked)
    assert "\n".join(line[2:] for line in marked) == asked.shown
    assert said[begin + 1 + count] == "end of what would run"
    assert said.count("end of what would run") == 1


async def test_the_explanation_is_told_in_lines_when_it_is_asked_for() -> None:
    with in_lines() as (core, linear, lines, out, keys):
        asked = core.ask("cat a\u202e | xargs rm -f", judged=True)
        while "type approve" not in out.getvalue():
            await asyncio.sleep(0)
        talking = asyncio.get_running_loop().create_task(converse(core, linear, lines))
        keys.write(b"explain\n")
        while "what would change it" not in out.getvalue():
            await asyncio.sleep(0)
        assert not asked.done()
        keys.write(b"deny\n")
        assert (await asked).outcome == "denied"
        keys.write(b"/quit\n")
        await talking
    shown = out.getvalue()
    assert "prompt xargs rm -f" in shown and "-f   option" in shown and "\u202e" not in shown


async def test_a_line_that_comes_in_the_same_instant_as_an_answer_is_a_line_of_its_own() -> None:
    with in_lines() as (core, linear, lines, out, keys):
        asked = core.ask("cargo build", judged=True)
        while "type approve" not in out.getvalue():
            await asyncio.sleep(0)
        talking = asyncio.get_running_loop().create_task(converse(core, linear, lines))
        keys.write(b"explain\nwhat?\napprove\nthen run the tests\n!ls\n/quit\n")
        assert (await asked).outcome == "granted"
        await asyncio.wait_for(talking, 60)
    assert "neither approve nor deny" in out.getvalue()
    told: list[tuple[Any, ...]] = core.told
    assert ("submit", "then run the tests", ()) in told and ("shell", "ls") in told
    assert not any("approve" in said or "what?" in said for said in told)


async def test_an_answer_and_whatever_came_with_it_answer_no_later_question() -> None:
    with in_lines() as (core, linear, lines, out, keys):
        first = core.ask("cargo build", judged=True)
        second = core.ask("rm -rf target", judged=True)
        while "type approve" not in out.getvalue():
            await asyncio.sleep(0)
        talking = asyncio.get_running_loop().create_task(converse(core, linear, lines))
        keys.write(b"approve\napprove\n")
        assert (await first).outcome == "granted"
        while out.getvalue().count("type approve") < 2:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not second.done()
        keys.write(b"deny\n")
        assert (await second).outcome == "denied"
        keys.close()
        await asyncio.wait_for(talking, 60)


async def test_the_end_of_the_input_is_not_forgotten_when_a_question_comes() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "r") as stdin:
        lines = Lines(stdin)
        os.write(write, b"typed ahead\n")
        os.close(write)
        while lines._waiting.qsize() < 2:
            await asyncio.sleep(0)
        lines.forget()
        assert await asyncio.wait_for(lines.next(), 60) is None


async def test_a_file_is_read_to_its_end_like_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "typed").write_bytes(b"fix it\n/quit")
    with (tmp_path / "typed").open() as stdin:
        lines = Lines(stdin)
        assert [await lines.next() for _ in range(3)] == ["fix it", "/quit", None]
    with Path(os.devnull).open() as stdin:
        assert await Lines(stdin).next() is None
