"""The files that tell the fork server what runs have in common: see `inner.outline`."""

from __future__ import annotations

import fcntl
import functools
import json
import os
from pathlib import Path

from vtcode_tui.sandbox import filters, toolchains

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@functools.lru_cache(maxsize=16)
def file_of(*, full: bool, debug: bool, signals: bool, home: Path, scratch: Path) -> int:
    """A sealed file in memory, made once for each kind of run and never closed. Raises SandboxError.

    The words are those of `filters.compile_filters`; `home` is the person's, runs have their folders in `scratch`.
    """
    first, second = filters.compile_filters(full=full, debug=debug, signals=signals)
    said = {
        "full": full,
        "home": str(home),
        "scratch": str(scratch),
        "readable": [str(path) for path in toolchains.everywhere(home)],
        "first_filter": len(first),
    }
    descriptor = os.memfd_create("vtcode-outline", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(json.dumps(said).encode() + b"\0" + first + second)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


class Places:
    """Gives the file that names what the guard compares: the same one as long as that is the same."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._descriptor = -1

    def file_of(self, workspace: Path, protected: tuple[Path, ...], quarantine: Path) -> int:
        """An open file in memory, which stays ours."""
        key = (workspace, protected, quarantine)
        if self._descriptor < 0 or key != self._key:
            self.close()
            said = {
                "workspace": str(workspace),
                "paths": [str(path) for path in protected],
                "quarantine": str(quarantine),
            }
            self._descriptor = os.memfd_create("vtcode-places", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.write(self._descriptor, json.dumps(said).encode())
            fcntl.fcntl(self._descriptor, fcntl.F_ADD_SEALS, _SEALS)
            self._key = key
        return self._descriptor

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
