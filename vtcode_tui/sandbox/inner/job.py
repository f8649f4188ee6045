"""What the main process asks of a run, as it arrives in the fork server. Made by `sandbox.job`."""

from __future__ import annotations

import json
import os
import sys

LARGEST_MESSAGE = 60_000
"""Bytes of one message between our processes; longer lists are cut before they are sent."""

NO_CORE = 1 if sys.platform == "linux" else 0
"""The limit on core files. Where crashes go to a program (`core_pattern` with a pipe: apport, systemd-coredump),
Linux starts it outside of every sandbox, and a limit of 0 does not keep it from that; 1 does, and is too little for
a file."""

OWN = "\0"
"""Stands for the run's own folder as long as it has no name: no path and no variable can hold it."""


class Job:
    """One run: plain data, one attribute for each key of the message."""

    __slots__ = (
        "argv",
        "caches",
        "connect",
        "cwd",
        "environment",
        "executable",
        "folder",
        "full",
        "function",
        "guarded",
        "hidden",
        "home",
        "invoke",
        "limits",
        "module",
        "pins",
        "protected",
        "readable",
        "reaps",
        "recorded",
        "rlimits",
        "rules",
        "search",
        "staging",
        "terminal",
        "workspace",
        "writable",
    )

    argv: list[str]
    executable: str
    invoke: str | None
    """JSON text of the arguments of `module`.`function`, or None for a program."""
    module: str
    function: str
    cwd: str
    environment: dict[str, str]
    folder: str
    """The run's own folder outside the workspace: `home` and `tmp` lie in it; removed at the end. Its crew has made
    it, and fills in the name; `OWN` stands for it in rules and in the environment until then."""
    home: str
    """The person's real home folder, whose place the run's own home takes in tier full."""
    caches: str
    """The folder that stays between runs of a workspace, mounted at ~/.cache."""
    full: bool
    reaps: bool
    """Of a lone run: whether its orphans become children of its supervisor, which ends them."""
    recorded: bool
    """Whether refusals of Landlock are to go to the machine's audit, where we read them."""
    readable: list[str]
    writable: list[str]
    protected: list[str]
    guarded: list[str]
    """Of a lone run: what its guard compares. Crews are told by `outline.Places`."""
    hidden: list[str]
    rules: list[tuple[str, int, int]]
    """[path, access if folder, access if file]; added by the work: in tier kernel only those of its own folder."""
    pins: list[tuple[str, str | None, list[int] | None]]
    """Path, SHA-256 (None: absent), and the stamp that stands for it or None."""
    rlimits: dict[str, int]
    limits: dict[str, float]
    connect: list[list[object]]
    """[address, port] of the proxy, if the run may reach hosts."""
    staging: list[str] | None
    terminal: list[int] | None
    search: list[str]
    """Entries for sys.path after the standard library, for the modules of workers."""
    workspace: str

    def __init__(self, text: bytes) -> None:
        given = json.loads(text)
        for name in self.__slots__:
            setattr(self, name, given[name])

    def settle(self, folder: str) -> None:
        """Fill in the name of the run's own folder."""
        self.folder = folder
        self.environment = {name: value.replace(OWN, folder) for name, value in self.environment.items()}
        self.rules = [(path.replace(OWN, folder), one, other) for path, one, other in self.rules]

    @property
    def own_home(self) -> str:
        """The run's private home folder, as the host sees it."""
        return self.folder + "/home"

    @property
    def own_tmp(self) -> str:
        """The run's private temp folder, as the host sees it."""
        return self.folder + "/tmp"


def fitted(message: dict[str, object]) -> bytes:
    """A message as it is sent. What a run can make long is cut until it fits; `cut` says how many were left out.

    A report that cannot be sent would take the guard's findings with it.
    """
    text = json.dumps(message).encode()
    while len(text) > LARGEST_MESSAGE:
        lists = {key: value for key, value in message.items() if isinstance(value, list) and value}
        if not lists:
            break
        longest = max(lists, key=lambda key: len(json.dumps(lists[key])))
        kept = lists[longest][: len(lists[longest]) // 2]
        before = message.get("cut", 0)
        assert isinstance(before, int)
        message = {**message, longest: kept, "cut": before + len(lists[longest]) - len(kept)}
        text = json.dumps(message).encode()
    return text


def read_all(descriptor: int) -> bytes:
    """The whole content of an open file from its start."""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0)


class SetupError(Exception):
    """A step of the setting-up failed; the work never began."""

    def __init__(self, step: str, message: str) -> None:
        super().__init__(f"{step}: {message}")
        self.step = step
        self.message = message
