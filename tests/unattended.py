"""What `vtcode exec` does behind its command line, in this process: a start of the program costs a second."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from tests.agent.stage import home_in
from tests.lent import lent_spawner
from vtcode_tui.config import load
from vtcode_tui.headless import Job, perform


async def performed(root: Path, folder: Path, prompt: str = "go", **more: Any) -> tuple[int, str, str]:
    """Status, stdout and stderr of a prompt in `root`; `folder` is where vtcode keeps its own (see `home_in`)."""
    home, out, err = home_in(folder), io.BytesIO(), io.BytesIO()
    job = Job(prompt, root, home, load(home, root), **more)
    status = await perform(job, lent_spawner(home), out, err)
    return status, out.getvalue().decode(), err.getvalue().decode()
