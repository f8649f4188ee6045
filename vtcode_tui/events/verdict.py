"""The verdict on a session's journal, layer by layer: chain, checkpoints, root log, anchors, meaning.

What each layer notices, and what only the next one does, is in docs/audit.md and in tests/events/test_tampering.py.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from vtcode_tui.common.errors import JournalError
from vtcode_tui.events.anchors import find_anchors
from vtcode_tui.events.chain import Layer, Problem, Walk
from vtcode_tui.events.evidence import Evidence
from vtcode_tui.events.examined import Beside, examine
from vtcode_tui.events.lines import GENESIS, NAME, opened, read_lines
from vtcode_tui.events.meaning import unplaced
from vtcode_tui.events.notes import Note
from vtcode_tui.events.rootcheck import Entry, Root, check_root, contradicted
from vtcode_tui.events.rootlog import ROOT
from vtcode_tui.events.watermark import read_watermark

State: TypeAlias = Literal["sealed", "open", "torn", "unanchored", "tampered"]

EXIT: dict[State, int] = {"sealed": 0, "tampered": 5, "open": 6, "torn": 6, "unanchored": 7}
"""The exit status of `vtcode audit verify` for each state."""

_TRIES = 3

_WORST: tuple[State, ...] = ("tampered", "unanchored", "torn", "open", "sealed")


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one journal."""

    session: str
    path: Path
    state: State
    events: int
    head: str
    checkpoints: int
    trusted: int
    """Everything before this event is vouched for by the last good checkpoint."""
    anchored: bool
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0 intact and sealed, 5 tampered, 6 open or torn, 7 a required anchor is missing."""
        return EXIT[self.state]

    @property
    def first_bad(self) -> int | None:
        """The first event that cannot be trusted."""
        return next((problem.seq for problem in self.problems if problem.seq is not None), None)

    @property
    def layer(self) -> Layer | None:
        """The layer that noticed first."""
        return self.problems[0].layer if self.problems else None


def root_of(folder: Path) -> Path | None:
    """Where the root log of a session's folder is expected: only folders in vtcode's own layout have one."""
    folder = folder.absolute()
    if len(folder.parents) < 5 or folder.parents[3].name != "sessions":
        return None
    return folder.parents[4] / "audit" / ROOT


def verify(
    folder: Path,
    *,
    root: Root | None = None,
    host_key: bytes | None = None,
    evidence: Evidence | None = None,
    beside: Beside | None = None,
) -> Report:
    """Verify one session. `root` is a root log verified before; without it the one beside the session is used.

    With `beside` a long journal is read by two processes; what is found is the same.

    Raises JournalError when a file cannot be read at all.
    """
    evidence = evidence or Evidence()
    if root is None and (place := root_of(folder)) is not None:
        root = check_root(place, public=host_key, evidence=evidence)
        sessions = folder.absolute().parents[3]
        claims = [path.parent for path in sessions.glob(f"*/*/*/{folder.absolute().name}/{NAME}")]
        return _claimed(_verified(folder, root, host_key, evidence, beside), claims)
    return _verified(folder, root, host_key, evidence, beside)


def _claimed(report: Report, folders: Collection[Path]) -> Report:
    """The report, with a problem where several folders claim to be this session: the root log knows of one."""
    if len(folders) < 2:
        return report
    text = f"session {report.session} is claimed by {len(folders)} folders: {', '.join(map(str, sorted(folders)))}"
    return replace(report, state="tampered", problems=(*report.problems, Problem("root", None, text)))


def _verified(
    folder: Path, root: Root | None, host_key: bytes | None, evidence: Evidence, beside: Beside | None
) -> Report:
    report = _verdict(folder, root, evidence, beside, unchecked=root is None and host_key is not None)
    # A session that runs enters more in the root log while its journal is read here: then both are read again.
    for _ in range(_TRIES):
        if not report.problems or root is None or not root.has_grown():
            break
        root = check_root(root.path, public=host_key, evidence=evidence)
        report = _verdict(folder, root, evidence, beside)
    return report


def _verdict(
    folder: Path, root: Root | None, evidence: Evidence, beside: Beside | None, *, unchecked: bool = False
) -> Report:
    """With `unchecked` a host key was given and there is no root log that it could have signed."""
    session = folder.absolute().name
    exported = evidence.exported(session)
    entry = root.entries.get(session) if root is not None else None
    mark = _watermark(root, entry, session)
    wanted = (
        {size for size, _ in (entry.known if entry else [])}
        | {size for size, _ in exported}
        | {mark.size if mark else 0}
    )
    examined = examine(
        folder / NAME if folder.is_dir() else folder,
        keys=None if root is None else entry.keys if entry else (),
        wanted=wanted,
        beside=beside,
    )
    found, problems = examined.walk, list(examined.walk.problems)
    if examined.elsewhere:
        problems += unplaced(examined.elsewhere, read_lines(folder))
    if root is not None and found.session not in ("", session):
        text = f"the journal of session {session} holds events of session {found.session}"
        problems.insert(0, Problem("root", 0, text))
    notes = list(examined.notes)
    if root is None:
        notes.append(
            "there is no root log here: a journal that was cut back or replaced as a whole would not be noticed"
        )
        if unchecked:
            notes.append("the host key that was given vouches for nothing here: it signs the root log")
    else:
        notes += root.notes
        if root.foreign:
            notes.append(f"{root.foreign} anchors are of other host keys and say nothing about this root log")
        problems += root.problems
        problems += _against_root(found, root, entry, session)
        problems += _against_watermark(found, entry, mark, problems)
    problems += [
        Problem("anchor", min(size, found.size), f"an exported copy of event {size} names another line before it")
        for size, head in exported
        if found.heads.get(size) != head
    ]
    if folder.is_dir() and root is not None:
        problems += _linked(folder) + _set_aside(folder, found)
    anchored = bool(root and entry and entry.closed and entry.closed_at < root.anchored)
    anchored = anchored or any(size >= found.size - 1 for size, _ in exported)
    return Report(
        session=session if root is not None else found.session or session,
        path=folder,
        state=_state(found, entry, root, problems, required=evidence.given or unchecked, anchored=anchored),
        events=found.size,
        head=found.head,
        checkpoints=found.checkpoints,
        trusted=found.trusted,
        anchored=anchored,
        problems=tuple(problems),
        notes=tuple(notes),
    )


def _state(
    found: Walk, entry: Entry | None, root: Root | None, problems: list[Problem], *, required: bool, anchored: bool
) -> State:
    if problems:
        return "tampered"
    if found.torn:
        return "torn"
    if not found.final or (root is not None and (entry is None or entry.closed is None)):
        return "open"
    return "unanchored" if required and not anchored else "sealed"


def _against_root(found: Walk, root: Root, entry: Entry | None, session: str) -> list[Problem]:
    if entry is None:
        return [
            Problem("root", None, f"session {session} was never entered in the root log, or its lines were removed")
        ]
    if found.problems and found.problems[0].layer == "chain":
        # The walk stopped there; what the root log knows of later states says nothing new.
        return []
    problems = [
        Problem("root", None, f"the journal names a line of the root log that is not there: {head[:16]}")
        for head in found.root_heads
        if head not in entry.opened
    ]
    for seq, text in found.root_anchors:
        for anchor in find_anchors(text):
            if not anchor.signed_by(root.public):
                problems.append(Problem("root", seq, f"event {seq} names a root log of another host key"))
            elif (wrong := contradicted(root, anchor)) is not None:
                problems.append(Problem("root", seq, f"event {seq}: {wrong}"))
    for size, head in entry.known:
        if size > found.size:
            text = f"the root log knows {size} events, the journal has {found.size}: it was cut back"
            problems.append(Problem("root", found.size, text))
        elif found.heads.get(size) != head:
            text = f"event {size - 1} is not the one that the root log knows: the journal was replaced"
            problems.append(Problem("root", max(0, size - 1), text))
    if entry.closed is not None and not problems and (found.size > entry.closed[0] or found.torn):
        problems.append(Problem("root", entry.closed[0], "something was added after the session was closed"))
    return problems


def _watermark(root: Root | None, entry: Entry | None, session: str) -> Note | None:
    """How far the last opening of a session is known to have come. Read before the journal, which only grows."""
    if root is None or entry is None or not entry.watermark or not entry.keys:
        return None
    with contextlib.suppress(ValueError):
        return read_watermark(root.path.parent, session, base64.b64decode(entry.keys[-1], validate=True))
    return None


def _against_watermark(
    found: Walk, entry: Entry | None, mark: Note | None, known: Collection[Problem]
) -> list[Problem]:
    if known or entry is None or not entry.watermark or entry.closed is not None or entry.pruned:
        return []
    if mark is None:
        text = "the session was not closed, and its high-water mark beside the root log is gone or changed"
        return [Problem("root", None, text)]
    if mark.size > found.size:
        text = f"{mark.size} events were on disk, the journal has {found.size}: its end was cut off"
        return [Problem("root", found.size, text)]
    if mark.size and found.heads.get(mark.size) != mark.head:
        text = f"event {mark.size - 1} is not the one that was on disk: the journal's end was changed"
        return [Problem("root", mark.size - 1, text)]
    return []


def _linked(folder: Path) -> list[Problem]:
    """vtcode makes no links: what lies behind one can be exchanged after it was verified."""
    text = "is a symbolic link: what was verified is another file, which lies where vtcode put none"
    return [Problem("root", None, f"{one} {text}") for one in (folder, folder / NAME) if one.is_symlink()]


def _set_aside(folder: Path, found: Walk) -> list[Problem]:
    """What a crash tore is evidence too: the bytes must lie where the journal says."""
    problems = []
    for seq, name, digest in found.set_aside:
        path, kept = folder / name, ""
        if path.parent == folder:
            with contextlib.suppress(JournalError), opened(path) as stream:
                kept = hashlib.file_digest(stream, "sha256").hexdigest()
        if kept != digest:
            text = f"event {seq} says that a torn line was kept in {name}, which is gone or changed"
            problems.append(Problem("meaning", seq, text))
    return problems


def verify_all(
    sessions: Path, *, host_key: bytes | None = None, evidence: Evidence | None = None, beside: Beside | None = None
) -> tuple[list[Report], list[Problem]]:
    """Verify every session below a `sessions` folder, and that none which the root log knows is missing."""
    evidence = evidence or Evidence()
    root = check_root(sessions.parent / "audit" / ROOT, public=host_key, evidence=evidence)
    folders = sorted((path.parent for path in sessions.glob(f"*/*/*/*/{NAME}")), key=lambda folder: folder.name)
    present: dict[str, list[Path]] = {}
    for folder in folders:
        present.setdefault(folder.name, []).append(folder)
    reports = [
        _claimed(_of_many(folder, root, host_key, evidence, beside), present[folder.name]) for folder in folders
    ]
    missing = [
        Problem("root", None, f"session {session} is in the root log and its journal is gone")
        for session, entry in root.entries.items()
        if session not in present and not entry.pruned
    ]
    return reports, [*root.problems, *missing]


def _of_many(folder: Path, root: Root, host_key: bytes | None, evidence: Evidence, beside: Beside | None) -> Report:
    """One report of many: a journal that cannot be read must not keep the others from being verified."""
    try:
        return _verified(folder, root, host_key, evidence, beside)
    except JournalError as error:
        problem = Problem("chain", 0, str(error))
        return Report(folder.name, folder, "tampered", 0, GENESIS, 0, 0, False, (problem,), ())


def worst(states: Iterable[State]) -> State:
    """The state that decides the exit status of several."""
    return min(states, key=_WORST.index, default="sealed")
