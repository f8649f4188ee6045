"""The `vtcode` command: one module per subcommand, each imported only when it is chosen.

A subcommand's module has three names: `EXAMPLE` (shown by --help), `arguments(parser)` and `run(given) -> int`
(the exit status). An error of vtcode's own tree ends the command with its sentence on stderr and its status.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from vtcode_tui import __version__
from vtcode_tui.cli.saying import speak_plainly
from vtcode_tui.common.errors import VtcodeError

COMMANDS: dict[str, str] = {
    "app": "the full-screen app (what `vtcode [PATH]` starts)",
    "demo": "a guided tour on a throw-away workspace; needs no key and no network",
    "exec": "run one prompt without a screen",
    "ask": "one answer, with tools that only read",
    "review": "review the changes of the working tree",
    "policy": "what may run, and why",
    "sandbox": "run a command in the sandbox, or prove what this machine can enforce",
    "trust": "trust a workspace, or take the trust back",
    "audit": "verify, read and export the journal",
    "sessions": "list, search, fork, export and delete sessions",
    "resume": "continue a session in the app",
    "replay": "watch a session again",
    "find": "fuzzy search over the files of the workspace",
    "symbols": "definitions in the workspace, by name",
    "outline": "the definitions of one file",
    "models": "list models; load and unload local ones",
    "config": "show, check and describe the configuration",
    "init": "write a starting configuration",
    "doctor": "what is missing on this machine, and the remedy",
    "selftest": "run the attacks and the workloads against this machine",
    "serve": "the app in a browser on this machine, for one person",
    "acp": "be an Agent Client Protocol agent on stdio",
}
"""Every subcommand and its one line in --help."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence and exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(2, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    speak_plainly()
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in {"--version", "-V"}:
        print(f"vtcode {__version__}")
        return 0
    if words and words[0] in {"--help", "-h", "help"}:
        print(_overview())
        return 0
    name = words[0] if words and words[0] in COMMANDS else "app"
    rest = words[1:] if words and words[0] in COMMANDS else words
    module = importlib.import_module(f"vtcode_tui.cli.{name.replace('-', '_')}")
    parser = Parser(
        prog=f"vtcode {name}" if name != "app" else "vtcode",
        description=COMMANDS[name],
        epilog=f"example:\n{module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.arguments(parser)
    given = parser.parse_args(rest)
    try:
        status = int(module.run(given))
        if not sys.stdout.closed:  # an editor's connection is closed by the command that serves it
            sys.stdout.flush()
        return status
    except VtcodeError as error:
        from vtcode_tui.render import plain  # an error may name a file that somebody hostile named

        print(f"vtcode: {plain(str(error))}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of stdout went away; nothing more can be said to it.
        sys.stderr.close()
        return 0
    except OSError as error:
        from vtcode_tui.render import plain

        place = f": {plain(str(error.filename))}" if error.filename else ""
        print(f"vtcode: {error.strerror or error}{place}", file=sys.stderr)
        # What standard output still holds cannot be written: the interpreter would complain of it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _overview() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items() if name != "app")
    return (
        f"vtcode {__version__}: a terminal coding agent that a security team would sign off\n\n"
        f"  vtcode [PATH]   the full-screen app, in PATH or this folder\n\ncommands:\n{rows}\n\n"
        "`vtcode COMMAND --help` explains one. New here? `vtcode demo` needs no key and no network."
    )
