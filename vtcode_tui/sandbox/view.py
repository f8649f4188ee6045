"""What a run sees of the machine, as a function of its profile and tier alone: nothing here looks at a file.

That is the point: what is computed here may be told to a model, because it says nothing about what exists outside.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtcode_tui.sandbox import toolchains
from vtcode_tui.sandbox.profile import Profile, Tier

Sight = Literal["unseen", "own", "read-only", "protected", "writable"]

_PRIVATE_PLACES = ("/tmp", "/var/tmp")
_OF_THE_KERNEL = ("/proc", "/sys", "/dev")
_NEVER_IN_HOME = """
.ssh .gnupg .aws .azure .config/gcloud .config/gh .config/hub .kube .docker .netrc .pgpass .my.cnf .git-credentials
.config/git/credentials .password-store .local/share/keyrings .mozilla .config/google-chrome .config/chromium
.bash_history .zsh_history .python_history .node_repl_history .local/share/fish .npmrc .pypirc .config/pip
.vault-token .cargo/credentials .cargo/credentials.toml .m2/settings.xml .gradle/gradle.properties .terraform.d
.gem/credentials .config/op .config/sops .claude .codex .config/vtcode .local/state/vtcode .vtcode
"""
_NEVER = tuple(_NEVER_IN_HOME.split())
_ELSEWHERE = ("/etc", "/root", "/home", "/run", "/var/run", "/boot", *_OF_THE_KERNEL)
"""Places outside a person's own home of which no file is worth a grant."""


@dataclass(frozen=True, slots=True)
class View:
    """The places of one run. `own_home` and `own_tmp` are its private folders as it names them itself."""

    profile: Profile
    tier: Tier
    home: Path
    own_home: str
    own_tmp: str

    def real(self, text: str) -> str:
        """The path outside that a program of the run means by `text` (absolute, or below `~`)."""
        if text == "~" or text.startswith("~/"):
            text = str(self.home) + text[1:]
        path = os.path.normpath(text)
        if path == self.own_home or path.startswith(self.own_home + "/"):
            path = str(self.home) + path[len(self.own_home) :]
        return path

    def of(self, path: str) -> Sight:
        """How the run sees an absolute path."""
        profile = self.profile
        if _below(path, profile.protected):
            return "protected"
        if _below(path, profile.writable):
            return "writable"
        if _below(path, (*profile.readable, *toolchains.in_home(self.home), *toolchains.interpreter())):
            return "read-only"
        if _below(path, (*toolchains.SYSTEM, *toolchains.MERGED, *toolchains.etc())):
            return "read-only"
        if _below(path, _OF_THE_KERNEL) or (self.tier == "kernel" and _below(path, (self.own_tmp,))):
            return "own"
        return "unseen"

    def why_unseen(self, path: str) -> str:
        """One sentence about a path that is not seen, true whether or not there is anything at it."""
        if self.tier == "full" and _below(path, _PRIVATE_PLACES):
            return f"{self.short(path)}: this run has a temp folder of its own in its place"
        return f"{self.short(path)} is not among the places that this run sees"

    def remedy(self, path: str) -> str:
        """What a human could approve for a path that is not seen."""
        if any(_below(path, [f"{self.home}/{name}"]) for name in _NEVER):
            return "it stays out of reach: it holds credentials or history"
        if not path.startswith(f"{self.home}/") and (path == "/" or _below(path, _ELSEWHERE)):
            return "it stays out of reach: copy what is needed into the workspace"
        if path == str(self.home):
            return "name a folder below it"
        place = self.short(path)
        return f"allow runs to read {place}: `read` under [sandbox] in your own vtcode.toml, or --read {place}"

    def remedy_to_write(self, path: str) -> str:
        """What a human could approve for a path that is read-only."""
        if _below(path, (*toolchains.SYSTEM, *toolchains.MERGED, *toolchains.etc())):
            return "the system's own folders stay read-only"
        place = self.short(path)
        return f"allow runs to write {place}: `write` under [sandbox] in your own vtcode.toml, or --write {place}"

    def short(self, path: str) -> str:
        """A path as people write it."""
        home = f"{self.home}/"
        return f"~/{path[len(home) :]}" if path.startswith(home) else path


def _below(path: str, roots: tuple[Path | str, ...] | list[str] | tuple[str, ...]) -> bool:
    return any(path == str(root) or path.startswith(f"{root}/") for root in roots)
