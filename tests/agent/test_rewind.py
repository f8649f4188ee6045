"""Going back: conversation and files together, with a layer and without, in a real session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.stage import Stage, staged
from tests.reading import payloads
from vtcode_tui.common.errors import StaleFileError, UsageError
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events import verify
from vtcode_tui.events.types import ChangesFailed, ChangesReviewed, FileChanged, PolicyDecided, SessionRewound
from vtcode_tui.workspace.changes import ChangeSet, Edited

pytestmark = pytest.mark.kernel

OFF = Sandbox(staging="off")


def command(text: str) -> Step:
    return Step("", (("run_command", {"command": text}),))


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Nothing can be written in the folder meanwhile."""
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)


def own_work(stage: Stage) -> list[str]:
    """Why each worker of vtcode's own ran."""
    return [it.reason for it in payloads(stage.events(), PolicyDecided) if it.rule == "vtcode.own"]


def ops(changes: ChangeSet) -> dict[str, str]:
    return {change.path: change.op for change in changes.files}


async def test_going_back_takes_conversation_and_layer_back_and_leaves_real_files(tmp_path: Path) -> None:
    steps = [
        command("sed -i s/1/2/ a.py && rm -r d"),
        Step("first"),
        command("sed -i s/2/3/ a.py && mkdir -p d n && echo new > d/x && echo n > n/y"),
        Step("second"),
        Step("third"),
    ]
    files = {"a.py": "x = 1\n", "d/c": "c\n"}
    async with staged(tmp_path, steps, files=files) as stage:
        session = stage.session
        await session.submit("one")
        first = await session.changes()
        await session.submit("two")
        assert ops(await session.changes()) == {
            "a.py": "update", "d/c": "delete", "d/x": "create", "n/y": "create",
        }  # fmt: skip
        preview = await session.preview_rewind(2)
        assert (preview.prompt, preview.messages) == ("two", 4)
        assert ops(preview.files) == {"a.py": "update", "d/x": "delete", "n/y": "delete"}
        assert preview.real == ChangeSet()
        with pytest.raises(StaleFileError):
            await session.rewind(2, "0" * 64)
        await session.rewind(2, preview.digest)
        assert await session.changes() == first
        (rewound,) = payloads(stage.events(), SessionRewound)
        (prompt,) = [e for e in stage.events("prompt.submitted") if e.turn == 2]
        assert (rewound.to_seq, rewound.turn) == (prompt.seq, 2)
        assert {changed.via for changed in payloads(stage.events(), FileChanged)} == {"exec", "rewind"}
        await session.submit("again")
        said = [m["content"] for m in stage.model.requests[-1]["messages"] if m["role"] == "user"]
        assert "two" not in said and "again" in said
        with pytest.raises(UsageError):
            await session.preview_rewind(2)
        # All the way: what was deleted in the layer is seen again, and the real files never changed.
        preview = await session.preview_rewind(1)
        await session.rewind(1, preview.digest)
        assert (await session.changes()).files == ()
    assert (tmp_path / "ws/a.py").read_text() == "x = 1\n"
    assert verify(session.folder).state == "sealed"


async def test_what_was_accepted_is_taken_back_only_where_the_human_says_so(tmp_path: Path) -> None:
    steps = [command("sed -i s/1/2/ a.py b.py d/c; echo n > new.py"), Step("ok"), Step("more")]
    files = {"a.py": "x = 1\n", "b.py": "y = 1\n\nz = 0\n", "d/c": "1\n"}
    async with staged(tmp_path, steps, files=files) as stage:
        session = stage.session
        await session.submit("one")
        shown = await session.changes()
        await session.accept({c.path: None for c in shown.files}, shown.digest)
        (stage.root / "b.py").write_text("y = 2\n\nz = 0\nmine = True\n")
        preview = await session.preview_rewind(1)
        assert ops(preview.real) == {"a.py": "update", "b.py": "update", "d/c": "update", "new.py": "delete"}
        with closed(stage.root / "d"):
            await session.rewind(1, preview.digest, undo=["a.py", "b.py", "d/c"])
        assert (stage.root / "d/c").read_text() == "2\n"
        not_done = [
            (it.decision, it.subject_sha256, it.failed, it.staged) for it in payloads(stage.events(), ChangesFailed)
        ]
        assert not_done == [("rewound", preview.digest, {"d/c": "Permission denied"}, False)]
        assert [it.undone for it in payloads(stage.events(), SessionRewound)] == [("a.py", "b.py")]
        assert (stage.root / "a.py").read_text() == "x = 1\n"
        assert (stage.root / "b.py").read_text() == "y = 1\n\nz = 0\nmine = True\n", "the human's own lines stay"
        assert (stage.root / "new.py").exists()
        assert (await session.changes()).files == ()


async def test_the_way_back_survives_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path, [command("echo 1 > a"), Step("ok"), command("echo 2 > a; rm b"), Step("ok")],
                      files={"b": "b\n"}) as stage:  # fmt: skip
        await stage.session.submit("one")
        await stage.session.submit("two")
        folder = stage.session.folder
    async with staged(tmp_path, [Step("x")], resume=folder) as stage:
        preview = await stage.session.preview_rewind(2)
        assert ops(preview.files) == {"a": "update", "b": "create"}
        await stage.session.rewind(2, preview.digest)
        (change,) = (await stage.session.changes()).files
        assert (change.path, change.new_text) == ("a", b"1\n")
    async with staged(tmp_path, [Step("x")], resume=folder) as stage:
        with pytest.raises(UsageError):
            await stage.session.preview_rewind(2)
        assert (await stage.session.preview_rewind(1)).prompt == "one"


async def test_files_can_be_left_as_they_are(tmp_path: Path) -> None:
    async with staged(tmp_path, [command("echo 1 > a"), Step("ok")]) as stage:
        await stage.session.submit("one")
        before = await stage.session.changes()
        preview = await stage.session.preview_rewind(1)
        await stage.session.rewind(1, preview.digest, files=False)
        assert await stage.session.changes() == before


async def test_an_edited_hunk_is_recorded_with_the_hash_of_the_humans_text(tmp_path: Path) -> None:
    from hashlib import sha256

    async with staged(tmp_path, [command("sed -i s/1/2/ a.py"), Step("ok")], files={"a.py": "x = 1\n"}) as stage:
        await stage.session.submit("one")
        shown = await stage.session.changes()
        await stage.session.accept({"a.py": Edited({0: b"x = 42\n"})}, shown.digest)
        assert (stage.root / "a.py").read_text() == "x = 42\n"
        (reviewed,) = payloads(stage.events(), ChangesReviewed)
        assert reviewed.own == {"a.py": (sha256(b"x = 42\n").hexdigest(),)}
        assert reviewed.choices == {"a.py": "edited hunks 1"}
        (written,) = [it for it in payloads(stage.events(), FileChanged) if it.via == "accept"]
        assert written.after_sha256 == sha256(b"x = 42\n").hexdigest()
        assert (await stage.session.changes()).files == ()


# --- without a layer


async def test_without_a_layer_what_a_command_did_is_shown_and_rolled_back(tmp_path: Path) -> None:
    steps = [command("sed -i s/1/2/ a.py; rm b; mkdir n; echo x > n/new"), Step("ok")]
    async with staged(tmp_path, steps, files={"a.py": "x = 1\n", "b": "b\n"}, sandbox=OFF) as stage:
        session = stage.session
        assert session.staged is False
        await session.submit("one")
        changes = await session.changes()
        assert ops(changes) == {"a.py": "update", "b": "delete", "n/new": "create"}
        assert {it.path for it in payloads(stage.events(), FileChanged)} == set(ops(changes))
        await session.accept({"b": None}, changes.digest)
        changes = await session.changes()
        await session.discard({c.path: None for c in changes.files}, changes.digest)
        assert (stage.root / "a.py").read_text() == "x = 1\n"
        assert not (stage.root / "b").exists()
        assert not (stage.root / "n").exists()
        assert (await session.changes()).files == ()
        told = [(it.decision, it.staged) for it in payloads(stage.events(), ChangesReviewed)]
        assert told == [("accepted", False), ("discarded", False)]


async def test_without_a_layer_the_first_look_begins_with_the_first_prompt_and_happens_once(tmp_path: Path) -> None:
    steps = [Step("nothing to run"), command("cat a.py"), Step("nothing was changed"), command("echo 2 > a.py")]
    async with staged(tmp_path, [*steps, Step("ok")], files={"a.py": "1\n"}, sandbox=OFF) as stage:
        await stage.session.submit("one")
        await stage.session.submit("two")
        # A command that changed nothing, after nothing was changed, is followed without a worker.
        assert own_work(stage) == ["looks at the workspace before a run waits for it"]
        await stage.session.submit("three")
        assert own_work(stage)[1:] == ["compares the workspace with what it was"]
    looks = [event for event in stage.events() if "looks at the workspace before a run waits" in str(event)]
    assert len({event.call for event in looks}) == 1
    assert len({event.turn for event in looks}) == 1


async def test_without_a_layer_and_without_trust_nothing_looks(tmp_path: Path) -> None:
    async with staged(tmp_path, [Step("ok")], files={"a.py": "1\n"}, sandbox=OFF, trusted=False) as stage:
        await stage.session.submit("one")
    assert not any("looks at the workspace" in str(event) for event in stage.events())


async def test_without_a_layer_going_back_undoes_commands_and_asks_for_edits(tmp_path: Path) -> None:
    edit = Step("", (("edit_file", {"path": "a.py", "old": "1", "new": "2"}),))
    steps = [edit, Step("ok"), command("echo made > made; sed -i s/1/9/ b.py d/c e"), Step("ok")]
    files = {"a.py": "x = 1\n", "b.py": "y = 1\n", "d/c": "1\n", "e": "1\n"}
    async with staged(tmp_path, steps, files=files, sandbox=OFF) as stage:
        session = stage.session
        await session.submit("one")
        await session.submit("two")
        made = {"made": "create", "b.py": "update", "d/c": "update", "e": "update"}
        assert ops(await session.changes()) == made, "an approved edit is no review"
        (stage.root / "e").write_text("mine\n")
        preview = await session.preview_rewind(1)
        assert ops(preview.files) == {**made, "made": "delete"}
        assert ops(preview.real) == {"a.py": "update"}
        with closed(stage.root / "d"):
            await session.rewind(1, preview.digest)
        (not_done,) = payloads(stage.events(), ChangesFailed)
        assert not_done.failed == {"d/c": "Permission denied", "e": "the file changed in the workspace since"}
        assert (not_done.decision, not_done.subject_sha256, not_done.staged) == ("rewound", preview.digest, False)
        assert not (stage.root / "made").exists()
        assert (stage.root / "b.py").read_text() == "y = 1\n"
        assert (stage.root / "a.py").read_text() == "x = 2\n"


async def test_without_a_layer_an_approved_edit_is_undone_by_name(tmp_path: Path) -> None:
    edit = Step("", (("edit_file", {"path": "a.py", "old": "1", "new": "2"}),))
    async with staged(tmp_path, [edit, Step("ok")], files={"a.py": "x = 1\n"}, sandbox=OFF) as stage:
        await stage.session.submit("one")
        preview = await stage.session.preview_rewind(1)
        await stage.session.rewind(1, preview.digest, undo=["a.py"])
        assert (stage.root / "a.py").read_text() == "x = 1\n"
