"""When an answer counts, and what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.tui.rig import request
from tests.tui.scenes import CARGO
from vtcode_tui.gate.types import Verdict
from vtcode_tui.tui.queue import ApprovalQueue, Waiting


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def queue_of(time: Time) -> ApprovalQueue:
    return ApprovalQueue(grace=0.5, clock=time)


async def waiting(queue: ApprovalQueue, command: str = "x", **more: object) -> asyncio.Task[Verdict]:
    task = asyncio.get_running_loop().create_task(queue.ask(request(command, **more)))  # type: ignore[arg-type]
    count = len(queue.waiting)
    while len(queue.waiting) == count:
        await asyncio.sleep(0)
    return task


def see(queue: ApprovalQueue, rows: int = 1) -> Waiting:
    item = queue.current
    assert item is not None
    queue.laid_out(item, rows)
    for row in range(rows):
        queue.saw(item, row)
    return item


async def test_a_yes_before_anything_was_drawn_does_not_count() -> None:
    time = Time()
    queue = queue_of(time)
    task = await waiting(queue)
    time.now += 60
    assert queue.approve(time.now) == "unseen"
    assert not task.done()
    queue.deny()
    assert (await task).outcome == "denied"


async def test_a_yes_counts_only_when_every_row_was_on_the_screen_and_half_a_second_has_passed() -> None:
    time = Time()
    queue = queue_of(time)
    task = await waiting(queue)
    item = queue.current
    assert item is not None
    queue.laid_out(item, 3)
    queue.saw(item, 0)
    queue.saw(item, 2)
    time.now += 10
    assert queue.approve(time.now) == "unseen"
    queue.saw(item, 1)
    assert queue.approve(time.now) == "settling"
    time.now += 0.49
    assert queue.approve(time.now) == "settling"
    time.now += 0.02
    assert queue.approve(time.now) == "ready"
    verdict = await task
    assert (verdict.outcome, verdict.scope, verdict.shown_sha256) == ("granted", "once", item.request.shown_sha256)


async def test_a_key_pressed_before_the_grace_was_over_never_counts_however_late_it_is_handled() -> None:
    time = Time()
    queue = queue_of(time)
    task = await waiting(queue)
    see(queue)
    pressed = time.now + 0.1
    time.now += 30
    assert queue.approve(pressed) == "settling"
    assert not task.done()
    queue.deny()
    await task


async def test_the_grace_begins_when_the_terminal_has_drawn_it_as_it_looks_now() -> None:
    time, drawn = Time(), list[Callable[[], None]]()
    queue = queue_of(time)
    queue.when_drawn = drawn.append
    task = await waiting(queue, scopes=(CARGO,))
    see(queue)
    time.now += 30
    assert queue.approve(time.now) == "settling"
    queue.widen()  # another answer: what was drawn before is not what a yes would mean now
    drawn.pop(0)()
    time.now += 30
    assert queue.approve(time.now) == "settling"
    drawn.pop(0)()
    assert queue.approve(time.now) == "settling"
    time.now += 0.51
    assert queue.approve(time.now) == "ready"
    assert (await task).scope == "session"


async def test_another_width_must_be_read_again() -> None:
    time = Time()
    queue = queue_of(time)
    task = await waiting(queue)
    item = see(queue, 2)
    time.now += 1
    queue.laid_out(item, 5, (40, 5, "once"))
    assert queue.approve(time.now) == "unseen"
    queue.deny()
    await task


async def test_the_queue_does_not_move_under_the_cursor() -> None:
    queue = queue_of(Time())
    first = await waiting(queue, "first")
    shown = queue.current
    second = await waiting(queue, "second")
    assert queue.current is shown
    queue.select(1)
    assert queue.current is not None and queue.current.request.call.access.command is not None
    assert queue.current.request.call.access.command.text == "second"
    third = await waiting(queue, "third")
    assert queue.current.request.call.access.command.text == "second"
    assert [w.request.shown for w in queue.waiting] == ["first", "second", "third"]
    queue.unattended()
    assert {(await task).outcome for task in (first, second, third)} == {"unattended"}


async def test_what_comes_to_the_front_needs_its_own_grace() -> None:
    time = Time()
    queue = queue_of(time)
    first, second = await waiting(queue, "first"), await waiting(queue, "second")
    queue.select(1)
    see(queue)
    queue.select(-1)
    see(queue)
    time.now += 1
    assert queue.approve(time.now) == "ready"
    assert (await first).outcome == "granted"
    assert queue.approve(time.now) == "settling"
    assert not second.done()
    queue.deny("because")
    assert (await second).reason == "because"


async def test_a_wider_scope_has_to_be_looked_at_again_and_carries_its_rule() -> None:
    time = Time()
    queue = queue_of(time)
    task = await waiting(queue, "cargo build", scopes=(CARGO,))
    see(queue)
    time.now += 1
    queue.widen()
    assert queue.approve(time.now) == "settling"
    time.now += 1
    queue.rewrite_rule('{"command": ["cargo", "build"], "verdict": "allow"}')
    time.now += 1
    assert queue.approve(time.now) == "ready"
    verdict = await task
    assert verdict.scope == "session"
    assert verdict.rule is not None
    assert dict(verdict.rule.rule) == {"command": ["cargo", "build"], "verdict": "allow"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"programs": ["cargo"]}'])
async def test_a_rule_that_is_no_object_is_refused_with_a_sentence(text: str) -> None:
    queue = queue_of(Time())
    task = await waiting(queue, "cargo build", scopes=(CARGO,))
    queue.widen()
    with pytest.raises(ValueError, match="rule"):
        queue.rewrite_rule(text)
    queue.deny()
    await task


async def test_alike_means_the_same_kind_and_read_to_the_end() -> None:
    time = Time()
    queue = queue_of(time)
    tasks = [await waiting(queue, name, call=name) for name in ("one", "two", "three")]
    see(queue)
    queue.select(1)
    see(queue)
    time.now += 1
    assert queue.approve_alike(time.now) == 2
    assert [(await task).outcome for task in tasks[:2]] == ["granted", "granted"]
    assert not tasks[2].done()
    queue.unattended()
    await tasks[2]


async def test_expired_and_cancelled_requests_leave_the_queue() -> None:
    queue = queue_of(Time())
    expired = await waiting(queue, "soon", expires_s=0.001)
    assert (await expired).outcome == "expired"
    cancelled = await waiting(queue, "never")
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert queue.waiting == [] and queue.current is None


async def test_an_edited_command_goes_back_to_the_gate() -> None:
    queue = queue_of(Time())
    task = await waiting(queue, "rm -rf build")
    queue.edit("rm -r build")
    verdict = await task
    assert (verdict.outcome, verdict.edited) == ("granted", "rm -r build")
