"""What a person or the model could change so that a verdict would be another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vtcode_tui.policy.finding import Finding
from vtcode_tui.policy.types import Mode

MOST = 8


def changes(verdict: Mode, findings: Iterable[Finding]) -> list[str]:
    """One sentence for each thing that made the verdict what it is; none for an allowed call."""
    if verdict == "allow":
        return []
    found = dict.fromkeys(
        _ADVICE.get(f.name, "without this: ") + f.detail for f in findings if f.verdict == verdict and f.detail
    )
    return list(found)[:MOST]


_ADVICE: Mapping[str, str] = {
    "uncertain": "write the value out: ",
    "unknown path": "write the value out: ",
    "disguise": "write it plainly: ",
    "characters": "leave the character out: ",
    "outside": "stay inside the workspace: ",
    "undescribed": "leave it out, or describe it in the program's data file: ",
    "abbreviated": "write the option out: ",
    "network": "a person may open the host: ",
    "masked": "unmask it in your own vtcode.toml: ",
    "protected": "a person may allow the protected path: ",
    "deletes": "a person may allow the removal: ",
}
