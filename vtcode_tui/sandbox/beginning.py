"""How a process of ours that is no run begins: a program of `inner/` in an interpreter that loads nothing else.

`python -I -S PROGRAM PARENT_OF_PACKAGE SOCKET WORD...`; its environment, streams and folder are nobody's.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vtcode_tui.common.errors import SandboxError

_INNER = Path(__file__).with_name("inner")
INTERPRETER = (sys.executable, "-I", "-S", "-X", "utf8")
"""Python without the user's settings, site packages and encodings."""


def begin(
    program: str, kind: socket.SocketKind, *, handed: Sequence[int] = (), words: Sequence[str] = ()
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start `inner/PROGRAM` with one end of a socket; our end, and the process. Raises SandboxError.

    The words that it gets are the numbers of `handed`, which it inherits, and then `words`.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with theirs:
        descriptors = [theirs.fileno(), *handed]
        try:
            process = subprocess.Popen(
                [*INTERPRETER, str(_INNER / program), str(_INNER.parents[2]), *map(str, descriptors), *words],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise SandboxError(f"{program} of the sandbox cannot be started: {error}", step="spawner") from error
    return ours, process
