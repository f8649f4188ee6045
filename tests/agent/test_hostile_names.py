"""Names that are no text, in a whole session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.agent.stage import Human, staged, yes
from vtcode_tui.demo import Step
from vtcode_tui.events.export import FORMATS, converter
from vtcode_tui.events.export.form import export
from vtcode_tui.events.verdict import verify

pytestmark = pytest.mark.kernel

MAKE = r"""printf x > "$(printf 'bad\377name')" """


NAME = b"bad\xffname"


async def test_a_name_that_is_no_text_is_shown_accepted_and_written_down(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": MAKE}),)), Step("done")]
    async with staged(tmp_path, steps, human=Human(yes)) as stage:
        await stage.session.submit("go")
        changes = await stage.session.changes()
        assert [os.fsencode(change.path) for change in changes.files] == [NAME]
        await stage.session.accept({change.path: None for change in changes.files}, changes.digest)
        folder = stage.session.folder
    assert Path(os.fsdecode(os.fsencode(stage.root) + b"/" + NAME)).read_text() == "x"
    assert verify(folder).state == "sealed"
    for form in FORMATS:
        assert "\n".join(export(folder, converter(form))).encode(), form
