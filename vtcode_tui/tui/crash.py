"""A crash of ours: a report that a person can read and send, without values and without the session."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from vtcode_tui import __version__
from vtcode_tui.common.files import write_atomically
from vtcode_tui.render import plain_line


def told(report: str, folder: Path) -> str:
    """Keep a traceback as a report in a folder; what is to be said about it on the terminal."""
    *_, last = report.strip().splitlines() or ["unknown"]
    if "Traceback" not in report:
        return report
    now = datetime.now(UTC)
    file = folder / f"crash-{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    text = (
        f"vtcode {__version__} crashed at {now:%Y-%m-%d %H:%M:%S} UTC\n"
        f"Python {platform.python_version()}, Textual {version('textual')}, {platform.platform()}\n"
        f"TERM={plain_line(os.environ.get('TERM', ''))}, called as {plain_line(' '.join(sys.argv))}\n\n"
        f"{report.strip()}\n"
    )
    try:
        write_atomically(file, text)
    except OSError as error:
        return f"{report.strip()}\nvtcode failed; the report could not be kept ({error.strerror})"
    return (
        f"a defect of vtcode ended the screen: {plain_line(last)}\n"
        f"The terminal is restored and the session is closed; `vtcode resume last` goes on with it.\n"
        f"The report (no contents of the session are in it): {file}"
    )
