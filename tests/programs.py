"""Other people's programs that tests have running beside them."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence

PATIENCE = 30.0
"""Seconds that one has to end in when it is asked to."""


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is gone afterwards: it is asked to end, so that it writes what it has, and then killed."""
    with subprocess.Popen(command, stdout=stdout, stderr=stderr, env=env) as process:
        try:
            yield process
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        finally:
            process.kill()
