"""`vtcode exec`: one prompt without a screen, under the same policy, sandbox and journal as the app."""

from __future__ import annotations

import argparse
from typing import Any

EXAMPLE = """  vtcode exec 'make the tests pass' --accept workspace
  git diff | vtcode exec - --model anthropic/claude-sonnet-4-5 2> events.jsonl"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("prompt", metavar="PROMPT|-", help="what is to be done; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="the answer as one JSON object")
    parser.add_argument(
        "--accept",
        choices=("none", "workspace"),
        default="none",
        help="what happens with staged changes at the end: they stay staged (default), or they are written to the "
        "workspace, protected paths never",
    )
    parser.add_argument("--max-turns", type=_count, metavar="N", help="stop after N answers of the model")
    common(parser)


def common(parser: argparse.ArgumentParser) -> None:
    """The arguments that exec, ask and review share."""
    parser.add_argument("--model", default="", metavar="M", help="provider/model, or either of both")
    parser.add_argument("-C", "--cwd", default=".", metavar="DIR", help="the workspace (default: this folder)")
    parser.add_argument(
        "-c", "--config", action="append", default=[], metavar="KEY=VALUE", help="a setting for this run"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, found {text!r}")
    return int(text)


def prompt_of(text: str) -> str:
    """The prompt itself, or what stdin holds; raises UsageError when there is none."""
    import sys

    from vtcode_tui.common.errors import UsageError

    if text == "-":
        text = sys.stdin.buffer.read(4 << 20).decode("utf-8", "replace")
    if not text.strip():
        raise UsageError("the prompt is empty")
    return text


def go(given: argparse.Namespace, prompt: str, **more: Any) -> int:
    """Do one job with what the command line says."""
    import sys
    from pathlib import Path

    from vtcode_tui.cli.loading import loading
    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.home import Home

    root, home = Path(given.cwd).expanduser(), Home.from_environment()
    if not root.is_dir():
        raise UsageError(f"{given.cwd} is not a folder")
    root = root.resolve()

    with loading():
        from vtcode_tui.agent import start_spawner
        from vtcode_tui.config import load, override

    loaded = load(home, root, overrides=[override(text) for text in given.config])
    for notice in loaded.notices:
        print(f"vtcode: {notice}", file=sys.stderr)
    spawner = start_spawner(home)
    with loading():
        from vtcode_tui.headless import Job, run  # the fork server makes itself ready while this is imported

    job = Job(prompt, root, home, loaded, choice=given.model, as_json=getattr(given, "json", False), **more)
    return run(job, spawner, sys.stdout.buffer, sys.stderr.buffer)


def run(given: argparse.Namespace) -> int:
    """Do the prompt; 0: the model answered, 1: it failed, 3: it needed a human, 130: interrupted."""
    return go(given, prompt_of(given.prompt), accept=given.accept, max_turns=given.max_turns)
