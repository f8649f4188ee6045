"""The environment of a run: started empty; only names on a list pass, and nothing that looks like a secret."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

_NAMES = """
LANG LANGUAGE TZ TERM COLORTERM USER LOGNAME SHELL NO_COLOR FORCE_COLOR CI COLUMNS LINES JAVA_HOME GOROOT
RUSTUP_HOME RUSTUP_TOOLCHAIN PYENV_ROOT PYENV_VERSION NVM_DIR SDKMAN_DIR CC CXX CFLAGS CXXFLAGS LDFLAGS MAKEFLAGS
PKG_CONFIG_PATH SOURCE_DATE_EPOCH
"""
_PASS = frozenset(_NAMES.split())
_NEVER = re.compile(
    r"(LD|DYLD|PYTHON|PERL5|GIT|AWS|AZURE|GOOGLE|GCP|KITTY|VSCODE|BASH_FUNC|DBUS|VTCODE)_?.*|"
    r"BASH_ENV|ENV|PROMPT_COMMAND|NODE_OPTIONS|RUBYOPT|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|SSH_.*|GPG_AGENT_INFO|"
    r"DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DOCKER_.*|KUBECONFIG|TMUX.*|STY|IFS|PS4|CDPATH|GLOBIGNORE|SHELLOPTS|BASHOPTS"
)
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CRED|AUTH|COOKIE|SESSION|PRIVATE|DSN|_URL$|_URI$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"sk-|gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|xox[abprs]-|eyJ[A-Za-z0-9_-]{10}|-----BEGIN|AIza|hf_|"
    r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
_LARGE_FILES = {
    "process": "git-lfs filter-process",
    "clean": "git-lfs clean -- %f",
    "smudge": "git-lfs smudge -- %f",
    "required": "true",
}
_PROXY = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable's name or value looks like a credential."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def passed(environ: Mapping[str, str], *, names: Iterable[str] = (), secrets: Iterable[str] = ()) -> dict[str, str]:
    """What passes from the person's environment: the list, `names` unless they look secret, `secrets` by name."""
    wanted, named_secrets = frozenset(names), frozenset(secrets)
    kept = {}
    for name, value in environ.items():
        if name in named_secrets:
            kept[name] = value
        elif not (name in _PASS or name.startswith("LC_") or name in wanted):
            continue
        elif not (_NEVER.fullmatch(name) or looks_secret(name, value)):
            kept[name] = value
    return kept


def search_path(environ: Mapping[str, str], workspace: Path) -> str:
    """PATH without relative folders and without anything inside the workspace, which a run could write."""
    return _searched(environ.get("PATH", ""), str(workspace).rstrip("/") + "/")


@functools.lru_cache(maxsize=32)
def _searched(path: str, inside: str) -> str:
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    kept: list[str] = []
    for entry in [*path.split(":"), *usual.split(":")]:
        # As a path without doubled slashes and dots: a link is followed by nobody here.
        plain = "/" + "/".join(part for part in entry.split("/") if part not in ("", "."))
        if entry.startswith("/") and entry not in kept and not f"{plain}/".startswith(inside):
            kept.append(entry)
    return ":".join(kept)


def fixed(home: str, tmp: str) -> dict[str, str]:
    """The variables that vtcode sets itself: private folders, no pager, nobody asked for a password."""
    return {
        "HOME": home,
        "TMPDIR": tmp,
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_STATE_HOME": f"{home}/.local/state",
        "XDG_RUNTIME_DIR": tmp,
        "TMUX_TMPDIR": tmp,
        "npm_config_cache": f"{home}/.cache/npm",
        "npm_config_update_notifier": "false",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "TAR_OPTIONS": "--no-same-owner",
        "VTCODE_SANDBOX": "1",
    }


@functools.lru_cache(maxsize=8)
def large_files(path: str) -> Mapping[str, str]:
    """What `git lfs install` sets, where git-lfs is on this search path.

    A run does not obey the git settings of the machine and the person, where it stands otherwise: what belongs to
    LFS would be committed whole.
    """
    if shutil.which("git-lfs", path=path) is None:
        return {}
    made = {"GIT_CONFIG_COUNT": str(len(_LARGE_FILES))}
    for number, (key, value) in enumerate(_LARGE_FILES.items()):
        made |= {f"GIT_CONFIG_KEY_{number}": f"filter.lfs.{key}", f"GIT_CONFIG_VALUE_{number}": value}
    return made


def proxied(url: str) -> dict[str, str]:
    """The variables by which pip, npm, cargo, go, git and curl find the proxy of a run."""
    made = {"no_proxy": "", "NO_PROXY": "", "CARGO_HTTP_PROXY": url, "npm_config_proxy": url}
    made["npm_config_https_proxy"] = url
    made["NODE_USE_ENV_PROXY"] = "1"
    for name in _PROXY:
        made[name] = made[name.upper()] = url
    return made
