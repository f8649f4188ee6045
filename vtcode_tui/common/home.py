"""Where vtcode keeps its own things: configuration, state, keys, sessions; never inside a workspace.

`VTCODE_HOME` moves all of it; otherwise the XDG folders on Linux and `~/Library/Application Support` on macOS.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.common.errors import UsageError

MANAGED_FOLDER = Path("/etc/vtcode")
"""Settings that an administrator locks; not moved by VTCODE_HOME."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one identity of vtcode."""

    config: Path
    state: Path
    cache: Path

    @property
    def settings_file(self) -> Path:
        """The user's vtcode.toml."""
        return self.config / "vtcode.toml"

    @property
    def policy_file(self) -> Path:
        """The user's tool-policy.json."""
        return self.config / "tool-policy.json"

    @property
    def sessions(self) -> Path:
        """One folder per session below this one."""
        return self.state / "sessions"

    @property
    def keys(self) -> Path:
        """The host key; no sandbox can read this folder."""
        return self.state / "keys"

    @property
    def audit(self) -> Path:
        """The root log and the exporters' offsets."""
        return self.state / "audit"

    @property
    def layers(self) -> Path:
        """The staging layers of sessions."""
        return self.state / "layers"

    @property
    def trust(self) -> Path:
        """One record per trusted workspace."""
        return self.state / "trust"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Home:
        """The folders that this environment asks for; nothing is created."""
        env = os.environ if environ is None else environ
        if moved := env.get("VTCODE_HOME"):
            root = Path(moved).expanduser().absolute()
            return cls(root / "config", root / "state", root / "cache")
        user = home_of_user(env)
        if sys.platform == "darwin":
            root = user / "Library" / "Application Support" / "vtcode"
            return cls(root / "config", root / "state", user / "Library" / "Caches" / "vtcode")

        def folder(variable: str, fallback: str) -> Path:
            value = env.get(variable, "")
            # The XDG base directory specification says that a relative path is to be ignored.
            return (Path(value) if value.startswith("/") else user / fallback) / "vtcode"

        return cls(
            folder("XDG_CONFIG_HOME", ".config"),
            folder("XDG_STATE_HOME", ".local/state"),
            folder("XDG_CACHE_HOME", ".cache"),
        )


def home_of_user(environ: Mapping[str, str] | None = None) -> Path:
    """The user's home folder. A relative HOME would put keys into whatever folder we are started in: ignored.

    Raises UsageError where nothing names one.
    """
    named = (os.environ if environ is None else environ).get("HOME", "")
    if named.startswith("/"):
        return Path(named)
    try:
        folder = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        folder = ""
    if not folder.startswith("/"):
        raise UsageError(
            f"HOME names no folder and user {os.getuid()} is in no database: "
            "set HOME, or VTCODE_HOME to a folder of yours"
        )
    return Path(folder)
