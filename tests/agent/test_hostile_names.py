"""Names that are no text, in a whole session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.agent.stage import Human, staged, yes
from vtcode_tui.demo import Step

pytestmark = pytest.mark.kernel

MAKE = r"""printf x > "$(printf 'bad\377name')" """


async def test_a_name_that_is_no_text_is_shown_and_does_not_end_the_session(tmp_path: Path) -> None:
    steps = [Step("", (("run_command", {"command": MAKE}),)), Step("done")]
    async with staged(tmp_path, steps, human=Human(yes)) as stage:
        await stage.session.submit("go")
        changes = await stage.session.changes()
        assert [os.fsencode(change.path) for change in changes.files] == [b"bad\xffname"]
