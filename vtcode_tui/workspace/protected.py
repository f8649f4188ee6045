"""Protected and masked paths: what asks by name before it changes, and what no run can read.

Protected is what some other program would run or obey later without asking: hooks, editor tasks, CI, shell and
environment managers, the configuration of package managers and agents. Matching ignores case and invisible
characters, because some file systems do.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

TRUST_MARKER = ".vt-workspace-trust"
OWN = (TRUST_MARKER, "vtcode.toml", "tool-policy.json")
"""vtcode's own files in the root of a workspace: no tool may change them, and no approval allows it."""

_GIT = (
    ".git/hooks/", ".git/config", ".git/config.worktree", ".git/info/attributes", ".git/commondir", ".git/gitdir",
    ".git/objects/info/alternates", ".git/worktrees/*/config.worktree", ".git/worktrees/*/commondir",
    ".git/worktrees/*/gitdir", ".git/modules/**/config", ".git/modules/**/hooks/", ".gitmodules", ".gitattributes",
)  # fmt: skip
_HOOKS = (
    ".pre-commit-config.yaml", ".husky/", "lefthook.y*ml", ".lefthook.y*ml", ".lefthook/", ".overcommit.yml",
    ".lintstagedrc*", ".hg/hgrc", ".jj/repo/config.toml",
)  # fmt: skip
_EDITORS = (
    ".vscode/", ".idea/", ".zed/", ".fleet/", ".vim/", ".nvim/", ".nvim.lua", ".nvimrc", ".exrc", ".vimrc",
    ".gvimrc", ".dir-locals.el", ".dir-locals-2.el", "*.sublime-project", "*.code-workspace", ".devcontainer/",
    ".helix/",
)  # fmt: skip
_CI = (
    ".github/workflows/", ".github/actions/", ".gitlab-ci.yml", ".gitlab/ci/", ".circleci/", ".travis.yml",
    "azure-pipelines.yml", ".azure-pipelines/", "Jenkinsfile", ".buildkite/", ".drone.yml", ".drone.star",
    "bitbucket-pipelines.yml", ".woodpecker/", ".woodpecker.y*ml", "appveyor.yml", ".appveyor.yml", ".cirrus.yml",
    ".forgejo/workflows/", ".gitea/workflows/", ".ci/",
)  # fmt: skip
_SHELL = (
    ".envrc", ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc", ".zshenv",
    ".zprofile", ".zlogin", ".inputrc", ".tool-versions", ".mise.toml", "mise.toml", ".mise/", ".config/mise/",
    ".rtx.toml", ".autoenv*", ".tmux.conf", ".screenrc", ".gdbinit", ".lldbinit", ".pdbrc", ".pdbrc.py", ".irbrc",
    ".sqliterc", ".psqlrc", ".curlrc", ".wgetrc", ".netrc", ".ripgreprc", "sitecustomize.py", "usercustomize.py",
)  # fmt: skip
_PACKAGES = (
    ".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn/plugins/", ".yarn/releases/", ".pnpmfile.cjs", "bunfig.toml",
    ".cargo/config", ".cargo/config.toml", "pip.conf", "gradle/wrapper/", ".mvn/", ".bundle/config",
)  # fmt: skip
_AGENTS = (
    ".mcp.json", ".vtcode/", ".claude/", ".codex/", ".gemini/", ".cursor/", ".agents/", ".opencode/",
    ".cursorrules", ".windsurfrules", ".clinerules", ".github/copilot-instructions.md", "AGENTS.md",
    "AGENTS.override.md", "CLAUDE.md", "GEMINI.md",
)  # fmt: skip
BUILT_IN: tuple[str, ...] = tuple(
    pattern if pattern.startswith("/") else f"**/{pattern}"
    for pattern in (*OWN, *_GIT, *_HOOKS, *_EDITORS, *_CI, *_SHELL, *_PACKAGES, *_AGENTS)
)
"""Patterns as in .gitignore, at any depth: a nested repository or project counts like the root."""

NESTED = 3
"""How deep nested repositories and projects are looked for when the sandbox asks for paths."""
NOT_LOOKED_INTO = frozenset({"node_modules", "__pycache__", "objects", "site-packages"})


def folded(path: str) -> str:
    """A relative path as the most forgiving file system would compare it."""
    if not path.isascii():
        path = path.encode("utf-8", "replace").decode()  # a name need not be text; patterns are
        path = unicodedata.normalize("NFKC", "".join(c for c in path if unicodedata.category(c) != "Cf"))
    return "/".join(part.rstrip(". ") or part for part in path.casefold().split("/"))


def is_own_name(relative: str) -> bool:
    """Whether a path below the root is one of vtcode's own files there."""
    return folded(relative) in OWN


class Patterns:
    """gitignore-style patterns over paths below a root, compared without regard to case."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(unicodedata.normalize("NFKC", pattern).casefold() for pattern in patterns)

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        return _spec_of(self._patterns)

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return _names_of(self._patterns)

    def match(self, relative: str) -> bool:
        """Whether the path, as a file or as a folder, or a folder above it matches."""
        if not self._patterns:
            return False
        name = folded(relative)
        return self._spec.match_file(name) or self._spec.match_file(f"{name}/")

    def may_match(self, name: str) -> bool:
        """Whether an entry with this last name could match at all."""
        return (
            self._names.match(name.casefold() if name.isascii() and name[-1] not in ". " else folded(name))
            is not None
        )


# Every session of a process has the same patterns, nearly always.
@lru_cache(maxsize=8)
def _spec_of(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)


@lru_cache(maxsize=8)
def _names_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # Whatever a pattern says of the folders, the last name must fit: cheap, and enough to skip most files.
    last = {p.rstrip("/").rpartition("/")[2] for p in patterns if not p.startswith(("!", "#"))}
    return re.compile("|".join(fnmatch.translate(name) for name in sorted(last)) or r"(?!)")


def concrete(root: Path, patterns: Sequence[str], existing: Iterable[str]) -> tuple[Path, ...]:
    """Absolute paths for the kernel: plain names at the root, there or not, and nested ones that exist."""
    return _outermost(root, tuple(patterns), frozenset(existing))


@lru_cache(maxsize=8)
def _outermost(root: Path, patterns: tuple[str, ...], existing: frozenset[str]) -> tuple[Path, ...]:
    # Asked for before every run, and nearly always the same.
    found = existing.union(f"{root}/{name}" for name in _plain_names(patterns))
    kept: set[str] = set()
    for path in sorted(found, key=lambda path: path.count("/")):
        if not any(path[:at] in kept for at, c in enumerate(path) if c == "/"):
            kept.add(path)
    return tuple(map(Path, sorted(kept, key=lambda path: path.split("/"))))


@lru_cache(maxsize=8)
def _plain_names(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(_plain, patterns))))


def _plain(pattern: str) -> str:
    name = pattern.removeprefix("**/").strip("/")
    return "" if any(c in name for c in "*?[!\\") else name


def above(patterns: Sequence[str]) -> tuple[str, ...]:
    """Patterns for the folders that what is protected lies in: a link in the place of one leads to what is not."""
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.startswith(("!", "#")):
            continue
        parts = pattern.rstrip("/").split("/")
        start = "" if parts[0] in {"", "**"} else "/"
        for n in range(1, len(parts)):
            if parts[n - 1] not in {"", "**"}:
                found[start + "/".join(parts[:n])] = None
    return tuple(found)


def is_git_link(relative: str, *, folder: bool) -> bool:
    """Whether this is a `.git` that is no folder: it tells git which configuration and hooks to use."""
    return not folder and folded(relative).rpartition("/")[2] == ".git"
