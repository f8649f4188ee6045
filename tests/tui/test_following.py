"""A chat that follows stands at its end, whatever else took room and in whatever order it was laid out."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from textual.events import Key

from tests.tui.rig import PATIENCE, Rig, until
from tests.tui.scenes import begin, respond, waits, work
from vtcode_tui.events.live import TextDelta
from vtcode_tui.render import Line, Span
from vtcode_tui.tui.layout import Shares
from vtcode_tui.tui.panes.blocks import Answer
from vtcode_tui.tui.panes.chat import ChatPane

Make = Callable[..., Rig]


def true_rows(chat: ChatPane) -> int:
    """How many rows all blocks have at the width that is drawn."""
    return sum(len(block.lay(chat.text_width)) for block in chat.blocks)


def words(row: Line) -> list[Span]:
    return [span for span in row.spans if span.text.strip()]


def at_end(chat: ChatPane) -> bool:
    return chat.following and chat.scroll_y == chat.max_scroll_y and chat.virtual_size.height == true_rows(chat)


@pytest.mark.parametrize("seed", range(3))
async def test_a_chat_that_follows_stands_at_its_end_after_any_order_of_layouts(rig: Make, seed: int) -> None:
    chance = random.Random(seed)
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        work(core)
        screen, chat, queue = app.app.work, app.app.work.chat, app.app.queue
        acts: list[Callable[[], object]] = [
            lambda: waits(core, "\n".join(f"./step-{n}" for n in range(chance.randrange(1, 30)))),
            queue.unattended,
            lambda: core.say(respond("words " * chance.randrange(1, 60))),
            lambda: screen.choose(shares=Shares(chat=chance.randrange(30, 70))),
            lambda: screen.choose(selected=chance.choice(("chat", "approvals"))),
        ]
        for _ in range(12):
            for _ in range(chance.randrange(1, 4)):
                chance.choice(acts)()
            if chance.random() < 0.4:
                await pilot.resize_terminal(*chance.choice(((80, 24), (104, 41), (160, 48), (61, 30))))
            await pilot.pause()
        screen.choose(selected="chat")
        await until(lambda: at_end(chat), pilot)
        queue.unattended()


async def test_a_scrollbar_that_appears_wraps_no_row_anew(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        chat = app.app.work.chat
        await until(lambda: bool(chat.virtual_size.height), pilot)
        width = chat.text_width
        assert not chat.show_vertical_scrollbar
        for number in range(12):
            core.say(respond(f"{number} " + "x" * (width - 5)))
        await until(lambda: chat.show_vertical_scrollbar, pilot)
        assert chat.text_width == width
        await until(lambda: at_end(chat), pilot)


async def test_the_scrollbar_of_a_pane_that_followed_out_of_sight_says_where_its_rows_are(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        work(await app.ready(pilot))
        log = app.app.work.events
        await until(lambda: log.scroll_y > 0, pilot)
        assert not log.size
        await pilot.resize_terminal(160, 48)
        await until(lambda: log.show_vertical_scrollbar and log.scroll_y == log.max_scroll_y, pilot)
        assert log.vertical_scrollbar.position == log.scroll_y


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_long_answer_that_comes_at_once_is_laid_out_in_parts_between_which_keys_are_answered(
    rig: Make, streamed: bool
) -> None:
    text = "# Title\n\n" + "word " * 80 + "\n\n```python\ndef f(x):\n    return x + 1\n```\n\n- one\n- two\n\n"
    text = "".join(text.replace("Title", f"Title {number}") for number in range(200))
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        chat = app.app.work.chat
        if streamed:
            core.live(TextDelta(1, text))
        else:
            core.say(respond(text))
        answer, seen = chat.blocks[-1], set[int]()

        async def turns(condition: Callable[[], bool]) -> None:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    seen.add(chat.row_count())
                    await asyncio.sleep(0)

        await turns(lambda: answer.behind)
        app.app.work.prompt.post_message(Key("x", "x"))
        await turns(lambda: app.app.work.prompt.text == "x")
        assert answer.behind, "the letter was there before the answer"
        if streamed:
            core.say(respond(text))
        await turns(lambda: not answer.behind)
        assert len(seen) > 3, "it grows while it is laid out"
        await until(lambda: chat.following and chat.scroll_y == chat.max_scroll_y > 3000, pilot)
        whole, count = list(Answer(source=text).lay(chat.text_width)), chat.row_count()
        shown = [chat.row(y) for y in range(count - len(whole), count)]
        assert [row.text.rstrip() for row in shown] == [row.text.rstrip() for row in whole]


async def test_a_long_answer_is_laid_out_in_parts_for_another_width_and_stays_as_it_was_until_then(
    rig: Make,
) -> None:
    text = "".join(f"# Title {number}\n\n{'word ' * 80}\n\n- one\n- two\n\n" for number in range(200))
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        chat = app.app.work.chat
        core.say(respond(text))
        await until(lambda: not chat.blocks[-1].behind and chat.scroll_y == chat.max_scroll_y > 1000, pilot)
        chat.scroll_to(y=700, animate=False, immediate=True)
        await until(lambda: not chat.following and not chat._pending, pilot)
        answer = chat.blocks[-1]

        def part() -> list[str]:
            begins = chat.row_count() - chat._heights[-1]
            return [chat.row(begins + y).text for y in range(700, 710)]

        before = part()
        for resized in ((60, 24), (100, 30)):
            await pilot.resize_terminal(*resized)
            async with asyncio.timeout(PATIENCE):
                while answer.behind:
                    assert part() == before
                    await asyncio.sleep(0)
            await until(lambda: not chat._pending, pilot)
            before = part()
        whole, count = list(Answer(source=text).lay(chat.text_width)), chat.row_count()
        shown = [chat.row(y) for y in range(count - len(whole), count)]
        assert [row.text.rstrip() for row in shown] == [row.text.rstrip() for row in whole]


async def test_code_waits_for_the_rules_of_its_language_and_nothing_else_does(rig: Make) -> None:
    text = "before it\n\n- ```scheme\n  (define (f x) x)\n  ```\n\n```ocaml\nlet f x = x + 1\n```\n\nbehind it\n"
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        chat = app.app.work.chat
        for letter in text:
            core.live(TextDelta(1, letter))
            await asyncio.sleep(0)
        core.say(respond(text))
        answer = chat.blocks[-1]
        await until(lambda: not answer.behind and not chat._pending, pilot)
        whole = list(Answer(source=text).lay(chat.text_width))
        count = chat.row_count()
        shown = [chat.row(y) for y in range(count - len(whole), count)]
        assert [words(row) for row in shown] == [words(row) for row in whole]
        names = {span.style.name for row in whole for span in row.spans}
        assert "syntax.keyword" in names and "syntax.operator" in names


async def test_a_person_who_scrolls_up_while_the_queue_grows_stays_where_they_are(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        for number in range(40):
            core.say(respond(f"answer {number}"))
        chat = app.app.work.chat
        await until(lambda: chat.max_scroll_y > 20 and chat.scroll_y == chat.max_scroll_y, pilot)
        await until(lambda: chat.show_vertical_scrollbar, pilot)  # without one, nobody scrolls
        waits(core, "\n".join(f"./step-{n}" for n in range(20)))
        chat.scroll_to(y=5, animate=False, immediate=True)
        assert not chat.following
        await pilot.pause()
        top = chat.row(chat.scroll_offset.y).text
        await until(lambda: bool(app.app.queue.current and app.app.queue.current.seen), pilot)
        assert chat.row(chat.scroll_offset.y).text == top
        assert not chat.following
        app.app.queue.unattended()


async def test_an_answer_that_grows_below_what_is_read_is_said_in_the_heading(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        begin(core)
        chat = app.app.work.chat

        def said() -> str:
            return "".join(span.text for span in app.app.work.headings["chat"].left)

        core.live(TextDelta(1, "words\n\n" * 60))
        await until(lambda: chat.max_scroll_y > 20 and chat.following, pilot)
        await pilot.press("f2", "pageup")
        assert "new" not in said()
        core.live(TextDelta(1, "and more\n\n"))
        await until(lambda: "↓ 1 new" in said(), pilot)
        core.live(TextDelta(1, "and more\n\n"))
        await pilot.press("end")
        await until(lambda: "new" not in said(), pilot)
