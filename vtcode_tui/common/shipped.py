"""Files that vtcode ships at the top level of its repository and inside its wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """The path of a shipped file or folder such as `styles` or `tool-policy.json`.

    Looks inside the package (wheel) first, then beside it (checkout, editable install).
    Raises FileNotFoundError when an installation lacks it.
    """
    for folder in (_PACKAGE / "_shipped", _PACKAGE.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is missing from this installation of vtcode: reinstall it")
