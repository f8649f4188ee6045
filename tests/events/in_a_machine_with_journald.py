"""A whole session on a machine of its own with systemd's journald; prints what `journalctl -t vtcode` says then.

usage: unshare -rm python -m tests.events.in_a_machine_with_journald JOURNALD MACHINE_ID HOME
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.events.conftest import story, write
from tests.programs import running
from vtcode_tui.events import Anchoring, Journal

_BIND = 4096


def mount(source: str, target: str, kind: bytes | None, flags: int = 0, options: bytes | None = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind, flags, options):
        raise OSError(ctypes.get_errno(), f"{target} cannot be mounted")


def main(journald: str, machine_id: str, home: Path) -> None:
    mount("none", "/run", b"tmpfs")
    mount("none", "/var/log", b"tmpfs")
    mount(machine_id, "/etc/machine-id", None, _BIND)
    for needed in ("/run/systemd/journal", "/run/log/journal"):
        Path(needed).mkdir(parents=True)
    with running([journald], stderr=subprocess.DEVNULL):
        pause = threading.Event()
        while not Path("/run/systemd/journal/socket").exists():
            pause.wait(0.02)
        folder = home / "state" / "sessions" / "2026" / "11" / "22" / "0197-journald"
        journal = Journal.create(folder, folder.name, anchoring=Anchoring(("syslog",)))
        write(journal, story(1))
        journal.close()
        said = ""
        while said.count("vtcode-anchor") < 2:
            pause.wait(0.02)
            command = ["journalctl", "-t", "vtcode", "-o", "cat"]
            said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        sys.stdout.write(said)
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
