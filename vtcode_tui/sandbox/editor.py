"""The person's own editor over a text of theirs: the one program that is started without a grant.

It is not a tool: no word of a model chooses it, names it or becomes its argument. It comes from the person's own
environment, runs in front of them on their own terminal with their own rights, and gets a file in a private folder
outside every workspace, so that no `.exrc` or `.nanorc` of a cloned repository is read.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vtcode_tui.common.errors import UsageError

USUAL = ("sensible-editor", "nano", "vim", "vi")


def editor_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The words that start the person's editor: $VISUAL, $EDITOR or a usual one; UsageError without any."""
    for name in ("VISUAL", "EDITOR"):
        if given := environment.get(name, "").strip():
            try:
                words = shlex.split(given)
            except ValueError as error:
                raise UsageError(f"${name} is not a command: {error}") from error
            program = shutil.which(words[0], path=environment.get("PATH"))
            if program is None:
                raise UsageError(f"${name} names {words[0]}, and there is no such program")
            return (os.path.abspath(program), *words[1:])
    for word in USUAL:
        if program := shutil.which(word, path=environment.get("PATH")):
            return (os.path.abspath(program),)
    raise UsageError("there is no editor: set $EDITOR to the one you like")


@contextmanager
def _signals_left_to_it() -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ are typed into the editor: they must not end this program. Its child starts as usual."""
    numbers = (signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def edit(text: str, state: Path, terminal: int, environment: Mapping[str, str] | None = None) -> str:
    """The text as the person left it. `terminal` is a descriptor of the terminal that the editor gets.

    `state` is vtcode's own state folder. Raises UsageError when there is no editor or it ended with an error: the
    text then counts as not edited.
    """
    given = os.environ if environment is None else environment
    words = editor_of(given)
    drafts = state / "drafts"
    drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="draft-", dir=drafts))
    try:
        file = folder / "prompt.md"
        file.write_bytes(text.encode("utf-8", "backslashreplace"))
        with _signals_left_to_it():
            process = subprocess.Popen(
                [*words, str(file)], cwd=folder, env=dict(given), stdin=terminal, stdout=terminal, stderr=terminal
            )
            status = await asyncio.to_thread(process.wait)
        if status:
            raise UsageError(f"the editor {Path(words[0]).name} ended with {status}: the prompt stays as it was")
        return file.read_bytes().decode("utf-8", "replace").removesuffix("\n")
    except OSError as error:
        raise UsageError(f"the prompt could not be edited: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
