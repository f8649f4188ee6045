"""`vtcode init`: write a starting configuration, every key described, nothing switched."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """  vtcode init                  your own vtcode.toml, every key described
  vtcode init --workspace      a vtcode.toml in this folder that can only tighten"""

_WORKSPACE = """\
# vtcode.toml of this workspace. It can only make vtcode stricter here than the user's own configuration:
# what would loosen something has no effect. `vtcode config check` says what does not.

#mode = "plan"

[sandbox]
# More files that ask by name before they change, as patterns like those of .gitignore.
#protect = ["migrations/", "*.lock"]
# More files that no run can read.
#mask = ["secrets/"]
# How long a run may take here.
#wall_seconds = 300.0

[context]
#max_turns = 50
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("path", nargs="?", type=Path, default=None, help="the workspace (default: this folder)")
    parser.add_argument("--workspace", action="store_true", help="write the workspace's file instead of your own")


def run(given: argparse.Namespace) -> int:
    """Write the file, unless one is there."""
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.files import write_atomically
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import WORKSPACE_FILE
    from vtcode_tui.config.describe import example

    if given.path is not None and not given.workspace:
        raise UsageError("PATH goes with --workspace; your own configuration has one place (`vtcode config path`)")
    if given.workspace:
        root = (given.path or Path.cwd()).resolve()
        if not root.is_dir():
            raise UsageError(f"{root} is not a folder")
        target, text, mode = root / WORKSPACE_FILE, _WORKSPACE, 0o644
    else:
        target, text, mode = Home.from_environment().settings_file, example(), 0o600
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} exists already: edit it, or move it away first")
    try:
        write_atomically(target, text, mode=mode)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    print(f"wrote {target}: take the # away from what you want to change")
    return 0
