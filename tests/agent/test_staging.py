from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from tests.agent.stage import Human, no, staged
from tests.reading import payloads
from vtcode_tui.common.errors import StaleFileError
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.demo import Step
from vtcode_tui.events import verify
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ApprovalDenied, ChangesFailed, FileChanged
from vtcode_tui.sessions import staged_at_end

pytestmark = pytest.mark.kernel

EDIT = Step("", (("edit_file", {"path": "a.py", "old": "1", "new": "2"}),))


async def test_an_edit_changes_the_real_file_only_when_it_is_accepted(tmp_path: Path) -> None:
    look = Step("", (("run_command", {"command": "cat a.py"}),))
    async with staged(tmp_path, [EDIT, look, Step("ok")], files={"a.py": "x = 1\n"}) as stage:
        await stage.session.submit("go")
        assert "x = 2" in stage.told("c2")
        assert (stage.root / "a.py").read_text() == "x = 1\n"
        changes = await stage.session.changes()
        assert [change.path for change in changes.files] == ["a.py"]
        await stage.session.accept({"a.py": None}, changes.digest)
        assert (stage.root / "a.py").read_text() == "x = 2\n"
        assert (await stage.session.changes()).files == ()
        told = [(changed.staged, changed.via) for changed in payloads(stage.events(), FileChanged)]
        assert told == [(True, "tool"), (False, "accept")]
    assert verify(stage.session.folder).state == "sealed"


async def test_what_was_not_on_the_screen_is_not_accepted(tmp_path: Path) -> None:
    async with staged(tmp_path, [EDIT, Step("ok")], files={"a.py": "x = 1\n"}) as stage:
        await stage.session.submit("go")
        changes = await stage.session.changes()
        with pytest.raises(StaleFileError):
            await stage.session.accept({"a.py": None}, "0" * 64)
        (stage.root / "a.py").write_text("entirely = 'else'\n")
        with pytest.raises(StaleFileError):
            await stage.session.accept({"a.py": None}, changes.digest)
        assert (stage.root / "a.py").read_text() == "entirely = 'else'\n"
        (undone,) = payloads(stage.events(), ChangesFailed)
        assert (undone.decision, undone.subject_sha256, list(undone.failed)) == (
            "accepted",
            changes.digest,
            ["a.py"],
        )
        assert undone.failed["a.py"].startswith("not what was"), "the path is said once, beside the reason"
    assert staged_at_end(stage.session.folder) == ("a.py",), "it waits for another decision"


async def test_discarding_brings_the_real_file_back_into_view(tmp_path: Path) -> None:
    async with staged(tmp_path, [EDIT, Step("ok")], files={"a.py": "x = 1\n"}) as stage:
        await stage.session.submit("go")
        changes = await stage.session.changes()
        await stage.session.discard({"a.py": None}, changes.digest)
        assert (await stage.session.changes()).files == ()
        assert (stage.root / "a.py").read_text() == "x = 1\n"


async def test_own_files_cannot_be_reached_by_any_edit(tmp_path: Path) -> None:
    calls = (
        ("write_file", {"path": "vtcode.toml", "content": ""}),
        ("write_file", {"path": ".vt-workspace-trust", "content": "x"}),
        ("write_file", {"path": "tool-policy.json", "content": "{}"}),
    )
    async with staged(tmp_path, [Step("", calls), Step("ok")]) as stage:
        before = (stage.root / ".vt-workspace-trust").read_text()
        await stage.session.submit("go")
        assert all("[denied]" in stage.told(f"c{i}") for i in (1, 2, 3))
        assert (await stage.session.changes()).files == ()
        assert (stage.root / ".vt-workspace-trust").read_text() == before


async def test_without_a_layer_each_edit_is_shown_and_approved_before_it_is_made(tmp_path: Path) -> None:
    off = Sandbox(staging="off")
    async with staged(tmp_path, [EDIT, Step("ok")], files={"a.py": "x = 1\n"}, sandbox=off) as stage:
        await stage.session.submit("go")
        assert len(stage.human.asked) == 1
        assert "-x = 1" in stage.human.asked[0].shown
        assert "+x = 2" in stage.human.asked[0].shown
        assert (stage.root / "a.py").read_text() == "x = 2\n"
        assert payloads(stage.events(), FileChanged)[0].staged is False


async def test_without_a_layer_a_declined_edit_is_not_made(tmp_path: Path) -> None:
    off = Sandbox(staging="off")
    async with staged(
        tmp_path, [EDIT, Step("ok")], files={"a.py": "x = 1\n"}, sandbox=off, human=Human(no)
    ) as stage:
        await stage.session.submit("go")
        assert (stage.root / "a.py").read_text() == "x = 1\n"


async def test_a_file_that_changes_while_the_human_reads_voids_the_grant(tmp_path: Path) -> None:
    off = Sandbox(staging="off")
    async with staged(tmp_path, [EDIT, Step("ok")], files={"a.py": "x = 1\n"}, sandbox=off) as stage:

        async def slowly(request: object) -> object:
            from tests.agent.stage import yes
            from vtcode_tui.gate.types import ApprovalRequest

            assert isinstance(request, ApprovalRequest)
            (stage.root / "a.py").write_text("x = 11\n")
            return await yes(request)

        stage.human.answer = slowly  # type: ignore[assignment]
        await stage.session.submit("go")
        assert "changed while" in stage.told("c1")
        assert payloads(stage.events(), ApprovalDenied)[0].outcome == "void"
        assert (stage.root / "a.py").read_text() == "x = 11\n"


@pytest.mark.parametrize("staging", ["auto", "off"])
async def test_what_a_run_leaves_that_cannot_be_shown_is_named_once(tmp_path: Path, staging: str) -> None:
    calls = [Step("", (("run_command", {"command": c}),)) for c in ("mkfifo pipe; echo x > f", "echo y > f")]
    async with staged(
        tmp_path, [*calls, Step("ok")], sandbox=Sandbox.model_validate({"staging": staging})
    ) as stage:
        await stage.session.submit("go")
        said = [heard.text for heard in stage.heard if isinstance(heard, Notice)]
        assert [text for text in said if "pipe" in text] == [
            "A run left what cannot be shown, accepted or taken back: pipe "
            "(a socket, pipe or device, unreadable, too deep, or gigabytes of nothing)."
        ]
        assert [change.path for change in (await stage.session.changes()).files] == ["f"]


_looked: list[tuple[str, str, bool]] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"os.scandir", "os.listdir"} and arguments and isinstance(arguments[0], str):
        main = threading.current_thread() is threading.main_thread()
        _looked.append((event, arguments[0], main))


@pytest.mark.parametrize("staging", ["auto", "off"])
async def test_the_workspace_is_looked_through_beside_the_loop(tmp_path: Path, staging: str) -> None:
    calls = [Step("", (("run_command", {"command": c}),)) for c in ("mkdir -p d/e; echo x > d/e/f", "ls d")]
    sys.addaudithook(_note)  # for good: it tells where the interpreter reads folders, and nothing else does
    async with staged(
        tmp_path, [*calls, Step("ok")], sandbox=Sandbox.model_validate({"staging": staging})
    ) as stage:
        _looked.clear()
        await stage.session.submit("go")
        here = [main for _event, path, main in _looked if str(stage.root) in path or "/layers/" in path]
    assert here, "the workspace is looked through after a run"
    assert not any(here)
