"""`vtcode ask`: one answer, with tools that only read."""

from __future__ import annotations

import argparse

from vtcode_tui.cli import exec as execute

EXAMPLE = """  vtcode ask 'where is the retry limit set?'
  cat error.log | vtcode ask -"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("prompt", metavar="PROMPT|-", help="the question; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="the answer as one JSON object")
    execute.common(parser)


def run(given: argparse.Namespace) -> int:
    """Answer; nothing is changed and no command runs."""
    return execute.go(given, execute.prompt_of(given.prompt), mode="read-only")
