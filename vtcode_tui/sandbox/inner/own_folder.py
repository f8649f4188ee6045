"""The run's own folder outside of the workspace, with its private home and temp folder."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vtcode_tui.sandbox.inner.job import Job
    from vtcode_tui.sandbox.inner.outline import Outline


def make(outline: Outline) -> str:
    """Make one for a run that is not known yet; its path."""
    os.makedirs(outline.scratch, 0o700, exist_ok=True)
    folder = f"{outline.scratch}/run-{os.urandom(8).hex()}"
    for path in (folder, folder + "/home", folder + "/tmp"):
        os.mkdir(path, 0o700)
    if not outline.full:
        _link(outline, folder, outline.readable)
    return folder


def complete(outline: Outline, job: Job) -> None:
    """In tier kernel the private home is another folder: what the run may read elsewhere is linked into it."""
    os.symlink(job.caches, job.own_home + "/.cache")
    _link(outline, job.folder, job.readable)
    job.readable += outline.readable


def _link(outline: Outline, folder: str, readable: list[str]) -> None:
    for path in readable:
        if not path.startswith(outline.home + "/"):
            continue
        place = f"{folder}/home{path[len(outline.home) :]}"
        os.makedirs(os.path.dirname(place), 0o700, exist_ok=True)
        if not os.path.lexists(place):
            os.symlink(path, place)
