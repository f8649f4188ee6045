"""How much there is to review: what the heading of the diff pane says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vtcode_tui.render import MUTED, Span, Style
from vtcode_tui.render.telling import plural

if TYPE_CHECKING:
    from vtcode_tui.tui.settling import Decisions
    from vtcode_tui.workspace.changes import ChangeSet

KEYS_SAID = ("mine", "theirs", "edit", "accept.file")


def summary_of(
    changes: ChangeSet, decisions: Decisions, keys: Mapping[str, str], *, staged: bool
) -> tuple[Span, ...]:
    """Files, lines, conflicts; `keys` are those of KEYS_SAID; `staged`: nothing is in the files."""
    files = changes.files
    if not files:
        return (Span("nothing to review", MUTED),)
    added, removed = sum(file.added for file in files), sum(file.removed for file in files)
    count = f"{plural(len(files), 'file')}  "
    spans = [Span(count), Span(f"+{added:,} ", Style("added")), Span(f"-{removed:,}", Style("removed"))]
    conflicts = [file for file in files if file.conflict]
    if left := sum(len(decisions.open(file)) if file.clashes else 1 for file in conflicts):
        spans.append(Span(f"  {plural(left, 'open conflict')}", Style("bad", bold=True)))
        sides = f" ({keys['mine']} yours, {keys['theirs']} the agent's, {keys['edit']} your own)"
        spans.append(Span(sides, MUTED))
    elif conflicts:
        spans.append(Span("  conflicts decided", Style("caution")))
        spans.append(Span(f" ({keys['accept.file']} accepts the file so)", MUTED))
    if not staged:
        spans.append(Span("  in your files already", Style("caution")))
    return tuple(spans)
