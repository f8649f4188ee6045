"""The tree of errors that vtcode raises on purpose, each with the exit status it ends a command with.

    VtcodeError                 1  the task failed
    ├── UsageError              2  the command line is wrong
    │   └── ConfigError         2  a configuration or policy file is wrong
    ├── DeniedError             3  policy or human said no
    ├── WorkspaceError          3  a path or a change that the workspace refuses
    │   ├── PathEscapeError     3  a path that leads out of the workspace
    │   └── StaleFileError      3  a file is not what the approval was given for
    ├── SandboxError            4  the sandbox cannot be had, or could not be set up
    ├── JournalError            5  the journal cannot be written or does not verify
    └── ModelError              1  a provider answered wrongly or not at all

A message is one sentence that names the file, the key or the argument and says what would be right.
"""

from __future__ import annotations


class VtcodeError(Exception):
    """The root: its text is shown to a person as it stands."""

    exit_status = 1


class UsageError(VtcodeError):
    """The command line or an input from outside is wrong."""

    exit_status = 2


class ConfigError(UsageError):
    """A configuration or policy file is wrong; names the file, and line and key where known."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, key: str = "") -> None:
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{message}")
        self.file, self.line, self.key = file, line, key


class DeniedError(VtcodeError):
    """Policy or the human said no."""

    exit_status = 3


class WorkspaceError(VtcodeError):
    """The workspace refuses a path or a change."""

    exit_status = 3


class PathEscapeError(WorkspaceError):
    """A path leads out of the workspace once it is resolved."""


class StaleFileError(WorkspaceError):
    """A file is not what an approval or a change was made on."""


class SandboxError(VtcodeError):
    """The sandbox cannot be had or could not be set up; `step` names what failed. Nothing ran."""

    exit_status = 4

    def __init__(self, message: str, *, step: str = "") -> None:
        super().__init__(message)
        self.step = step


class JournalError(VtcodeError):
    """The journal cannot be written, or does not verify. Nothing that it should have recorded was done."""

    exit_status = 5


class ModelError(VtcodeError):
    """A model provider failed; `kind` is one of the classes that `llm` retries or stops on."""

    def __init__(self, message: str, *, kind: str = "invalid") -> None:
        super().__init__(message)
        self.kind = kind
