"""A copy of a session begins with what was staged: real sessions, real layers, real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Stage, home_in, staged
from tests.reading import payloads
from vtcode_tui.agent.forking import LEFT
from vtcode_tui.demo import Step
from vtcode_tui.events import verify
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import FileChanged, SessionForked
from vtcode_tui.sessions import fork, read_meta
from vtcode_tui.workspace.changes import ChangeSet

pytestmark = pytest.mark.kernel

FILES = {"a.py": "x = 1\n", "d/c": "c\n", "run.sh": "true\n"}
FIRST = "sed -i s/1/2/ a.py && rm -r d && chmod 700 run.sh && ln -s a.py link && printf 'one\\0two' > bin"
SECOND = "sed -i s/2/3/ a.py && mkdir d && echo again > d/c && rm link bin && echo late > late.txt"


def command(text: str) -> Step:
    return Step("", (("run_command", {"command": text}),))


def described(changes: ChangeSet) -> dict[str, tuple[str, str | None]]:
    return {change.path: (change.op, change.after_sha256) for change in changes.files}


def notices(stage: Stage) -> list[str]:
    return [one.text for one in stage.heard if isinstance(one, Notice)]


def once(step: Step) -> Callable[[Any], Step]:
    """A model that calls once, whatever was said before, and then is done."""
    return lambda body: Step("done") if body["messages"][-1]["role"] == "tool" else step


async def two_turns(tmp_path: Path) -> tuple[Path, ChangeSet, ChangeSet]:
    """A session of two turns, and what was staged after each."""
    steps = [command(FIRST), Step("first"), command(SECOND), Step("second")]
    async with staged(tmp_path, steps, files=FILES) as stage:
        await stage.session.submit("one")
        first = await stage.session.changes()
        await stage.session.submit("two")
        second = await stage.session.changes()
        before = await stage.session.preview_fork(2)
        assert described(before.files) == described(first) and before.unknown == ""
        assert described((await stage.session.preview_fork(None)).files) == described(second)
        assert (await stage.session.preview_fork(1)).files == ChangeSet()
        return stage.session.folder, first, second


async def test_a_copy_begins_with_the_files_as_they_were_before_the_prompt_that_it_ends_at(tmp_path: Path) -> None:
    folder, first, second = await two_turns(tmp_path)
    copy = await fork(home_in(tmp_path), folder, before_turn=2)
    look = command("cat a.py; ls d; readlink link; stat -c %a run.sh")
    async with staged(tmp_path, once(look), resume=copy) as stage:
        assert described(await stage.session.changes()) == described(first)
        (told,) = [text for text in notices(stage) if text.startswith("This copy begins with")]
        assert "a.py" in told and "d/c" in told and "late.txt" not in told
        await stage.session.submit("look")
        assert told in str(stage.model.requests[0]["messages"])
        seen = stage.told(str(stage.events("tool.requested")[-1].call))
        assert "x = 2" in seen and "a.py" in seen and "700" in seen and "again" not in seen
        changed = [data for data in payloads(stage.events(), FileChanged) if data.via == "fork"]
        assert {data.path for data in changed} == {change.path for change in first.files}
        assert all(data.staged for data in changed) and payloads(stage.events(), SessionForked)
        shown = await stage.session.changes()
        await stage.session.accept({"a.py": None}, shown.digest)
        assert (stage.root / "a.py").read_text() == "x = 2\n"
    assert told in (copy / "session.md").read_text()
    assert verify(copy).state == "sealed"
    # The session that it is a copy of has its own changes still, told against the file as it is now.
    async with staged(tmp_path, [Step("on")], resume=folder) as stage:
        left = await stage.session.changes()
        assert set(described(left)) == set(described(second))
        assert described(left)["late.txt"] == described(second)["late.txt"]


async def test_a_copy_is_listed_with_the_turns_that_its_conversation_has(tmp_path: Path) -> None:
    folder, _, _ = await two_turns(tmp_path)
    home = home_in(tmp_path)
    for before, turns in ((None, 2), (2, 1), (1, 0)):
        assert read_meta(await fork(home, folder, before_turn=before)).turns == turns


async def test_a_copy_of_all_of_a_session_begins_with_what_is_staged_at_its_end(tmp_path: Path) -> None:
    folder, _, second = await two_turns(tmp_path)
    copy = await fork(home_in(tmp_path), folder)
    async with staged(tmp_path, [Step("on")], resume=copy) as stage:
        assert described(await stage.session.changes()) == described(second)
    # Opened again before its first prompt it says the same, and brings nothing a second time.
    async with staged(tmp_path, [Step("on")], resume=copy) as stage:
        assert any(text.startswith("This copy begins with") for text in notices(stage))
        assert described(await stage.session.changes()) == described(second)
        assert len([d for d in payloads(stage.events(), FileChanged) if d.via == "fork"]) == len(second.files)
        shown = await stage.session.changes()
        await stage.session.discard({change.path: None for change in shown.files}, shown.digest)
    async with staged(tmp_path, [Step("on")], resume=copy) as stage:
        assert (await stage.session.changes()).files == ()


async def test_going_back_in_a_copy_ends_at_what_it_began_with(tmp_path: Path) -> None:
    folder, first, _ = await two_turns(tmp_path)
    copy = await fork(home_in(tmp_path), folder, before_turn=2)
    async with staged(tmp_path, once(command("rm a.py && mkdir d && echo d > d/new")), resume=copy) as stage:
        await stage.session.submit("otherwise")
        assert described(await stage.session.changes())["a.py"][0] == "delete"
        (turn,) = {event.turn for event in stage.events("prompt.submitted")}
        assert turn == 3, "the prompt of turn 2 stands in the conversation, taken back"
        shown = await stage.session.preview_rewind(turn)
        assert shown.prompt == "otherwise"
        await stage.session.rewind(turn, shown.digest)
        assert described(await stage.session.changes()) == described(first)
        # What was said before the copy began can be taken back too; of the files then it knows nothing.
        shown = await stage.session.preview_rewind(1)
        assert shown.prompt == "one" and shown.files == ChangeSet()


async def test_what_was_accepted_since_is_the_ground_and_what_the_person_wrote_since_is_merged(
    tmp_path: Path,
) -> None:
    steps = [
        command("sed -i 1s/1/2/ a.py; echo new > n"),
        Step("first"),
        command("sed -i 1s/2/3/ a.py"),
        Step("ok"),
    ]
    lines = "x = 1\n" + "".join(f"line {number}\n" for number in range(20))
    async with staged(tmp_path, steps, files={"a.py": lines}) as stage:
        await stage.session.submit("one")
        await stage.session.submit("two")
        shown = await stage.session.changes()
        await stage.session.accept({"n": None}, shown.digest)
        folder = stage.session.folder
    (tmp_path / "ws/a.py").write_text(lines + "mine\n")
    copy = await fork(home_in(tmp_path), folder, before_turn=2)
    async with staged(tmp_path, [Step("on")], resume=copy) as stage:
        (change,) = (await stage.session.changes()).files
        assert change.path == "a.py" and not change.conflict
        assert change.new_text.decode() == lines.replace("1", "2", 1) + "mine\n"


@pytest.mark.parametrize("why", ["it has gone on since", "open in another vtcode process", "not among them"])
async def test_what_cannot_come_along_stays_and_that_is_said(tmp_path: Path, why: str) -> None:
    folder, _, _ = await two_turns(tmp_path)
    home = home_in(tmp_path)
    if why == "not among them":
        copy, said = await fork(home, folder, staged=False), f"{LEFT}."
    else:
        copy, said = await fork(home, folder), why
    if why == "it has gone on since":
        async with staged(tmp_path, [Step("on")], resume=folder) as stage:
            await stage.session.submit("and on")

    async def opened() -> None:
        async with staged(tmp_path, [Step("I look first.")], resume=copy) as stage:
            (told,) = [text for text in notices(stage) if text.startswith(LEFT)]
            assert said in told
            assert not (await stage.session.changes()).files
            await stage.session.submit("go on")
            assert told in str(stage.model.requests[0]["messages"])

    if why == "open in another vtcode process":
        async with staged(tmp_path, [Step("on")], resume=folder):
            await opened()
    else:
        await opened()
    async with staged(tmp_path, [Step("on")], resume=copy) as stage:
        assert not any(text.startswith(LEFT) for text in notices(stage))


async def test_a_copy_that_ends_within_a_turn_or_had_nothing_staged_carries_nothing(tmp_path: Path) -> None:
    folder, _, _ = await two_turns(tmp_path)
    home = home_in(tmp_path)
    within = read_meta(await fork(home, folder, 2)).staged
    assert within is not None and not within.wanted
    assert read_meta(await fork(home, folder, before_turn=1)).staged is None


async def test_a_file_that_is_too_large_to_have_been_kept_is_named_and_the_rest_comes_along(tmp_path: Path) -> None:
    big = "head -c 9000000 /dev/zero > big && echo small > small"
    async with staged(tmp_path, [command(big), Step("first"), Step("second")], files=FILES) as stage:
        await stage.session.submit("one")
        await stage.session.submit("two")
        preview = await stage.session.preview_fork(2)
        assert {c.path: bool(c.conflict) for c in preview.files.files} == {"big": True, "small": False}
        folder = stage.session.folder
    async with staged(tmp_path, [], resume=await fork(home_in(tmp_path), folder, before_turn=2)) as stage:
        assert [change.path for change in (await stage.session.changes()).files] == ["small"]
        (told,) = [text for text in notices(stage) if text.startswith("This copy begins with")]
        assert "staged there: small. Did not come along: big (" in told
