"""Where other people's syslog daemons are: installed, or unpacked from Debian's packages by `make test`."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

UNPACKED = Path(sys.prefix) / "foreign"


@dataclass(frozen=True)
class Daemon:
    """A program, what it needs around it, and where its modules lie (empty: where it expects them)."""

    program: str
    environ: dict[str, str]
    modules: str = ""


def daemon(name: str, modules: str) -> Daemon:
    """The daemon; skips the test when this machine has none. `modules` is where a package keeps what it loads."""
    if found := shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
        return Daemon(found, dict(os.environ))
    program = UNPACKED / "usr" / "sbin" / name
    if not program.exists():
        pytest.skip(
            f"{name} is not installed here, and its Debian package could not be had (make test looks for it)"
        )
    libraries = sorted({str(path.parent) for path in UNPACKED.glob("**/*.so*") if "syslog" not in path.parent.name})
    found_modules = sorted({str(path.parent) for path in UNPACKED.glob(modules)})
    libraries += [str(path) for path in UNPACKED.glob("usr/lib/syslog-ng")]
    environ = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}
    return Daemon(str(program), environ, ":".join(found_modules))
