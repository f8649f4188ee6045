"""`vtcode review`: a review of the working tree's changes; reads, and runs nothing but git's own reading side."""

from __future__ import annotations

import argparse
import re

from vtcode_tui.cli import exec as execute

EXAMPLE = """  vtcode review
  vtcode review --base origin/main"""

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/@{}~^-]{0,200}")

_PROMPT = """\
Review the changes of this working tree against {base}. Look at them with `git diff {revision}` and \
`git status --short`, and read the files around them. Report, the most serious first: defects, security problems, \
missing tests, unclear names. For each say the file and line, why it matters and what to do. If nothing is wrong, \
say so in one sentence. Change nothing."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--base", default="HEAD", metavar="REF", help="what to compare with (default: HEAD)")
    parser.add_argument("--json", action="store_true", help="the answer as one JSON object")
    execute.common(parser)


def run(given: argparse.Namespace) -> int:
    """Review; nothing is changed."""
    from vtcode_tui.common.errors import UsageError

    if not _REVISION.fullmatch(given.base) or ".." in given.base:
        raise UsageError(f"{given.base!r} is not the name of a revision")
    prompt = _PROMPT.format(base=given.base, revision=given.base)
    return execute.go(given, prompt, mode="plan")
