"""Calls a worker function inside a Seatbelt sandbox: `python -I -S launcher.py RESULT JOB`, two descriptors.

Not run on a Mac by the authors; the tests run it behind a stand-in for `sandbox-exec`. It starts when the rights
are gone already, so that everything it imports is read under the rules of the run.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, NoReturn


def main(result: int, job: int) -> NoReturn:
    """Import the worker, call it, write its dict to the pipe, and end with 0; anything else ends with 1."""
    for descriptor in (result, job):
        os.set_inheritable(descriptor, False)  # what the worker starts gets neither
    status = 1
    out: BinaryIO = os.fdopen(1, "wb", closefd=False)
    try:
        with os.fdopen(job, "rb") as file:
            said = json.load(file)
        sys.path[:] = [*sys.path[1:], *(p for p in said["search"] if p not in sys.path)]
        worker = getattr(importlib.import_module(said["module"]), said["function"])
        answer = worker(json.loads(said["invoke"]), out)
        out.flush()
        with os.fdopen(result, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of a process: whatever it was is written down, and it ends
        sys.excepthook(*sys.exc_info())
        try:
            out.flush()
            sys.stderr.flush()
        except OSError:
            status = 1
    os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
