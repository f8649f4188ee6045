"""What git would run because of a repository's configuration, and the same configuration without it.

There are dozens of keys by which git starts a program, and new versions add more (`pager.status`, `gc.*Hook`). So
the question is turned round: what is known to be harmless stays. A line that is not of the plainest form counts as
unknown, so that nothing depends on reading the language exactly as git does.
"""

from __future__ import annotations

import re

_SECTION = re.compile(r'\[([A-Za-z][A-Za-z0-9-]*)(?: "([^"\\\]]*)")?\]')
_ENTRY = re.compile(r'([A-Za-z][A-Za-z0-9-]*) ?= ?([^"\\#;\x00-\x08\x0b-\x1f\x7f]*)')

_HARMLESS = re.compile(
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|symlinks|ignorecase|precomposeunicode|autocrlf|"
    r"eol|safecrlf|longpaths|quotepath|compression|sharedrepository|worktree|abbrev|untrackedcache|preloadindex|"
    r"splitindex|sparsecheckout|sparsecheckoutcone|trustctime|checkstat|whitespace|fsmonitor)|"
    r"extensions\.(worktreeconfig|objectformat|refstorage|compatobjectformat|preciousobjects|relativeworktrees)|"
    r"remote\.(url|fetch|pushurl|tagopt|prune|mirror)|remote\.pushdefault|"
    r"branch\.(remote|merge|rebase|pushremote|description|autosetupmerge|autosetuprebase|sort)|"
    r"user\.(name|email|useconfigonly)|author\.(name|email)|committer\.(name|email)|"
    r"submodule\.(url|active|branch|ignore|shallow|recurse|fetchrecursesubmodules)|"
    r"init\.defaultbranch|push\.(default|autosetupremote|followtags)|pull\.(rebase|ff)|fetch\.(prune|prunetags|parallel)|"
    r"merge\.(ff|conflictstyle|stat|renames)|rebase\.(autostash|autosquash)|commit\.(verbose|status|cleanup)|"
    r"diff\.(algorithm|renames|mnemonicprefix|colormoved|noprefix|context)|color\.(ui|status|diff|branch)|"
    r"gc\.(auto|autodetach)|pack\.(threads|windowmemory)|index\.(version|threads)|feature\.manyfiles|"
    r"advice\.[a-z]+|log\.(date|decorate)|status\.(short|branch|showuntrackedfiles)|receive\.(denycurrentbranch)|"
    r"transfer\.fsckobjects|lfs\.repositoryformatversion|maintenance\.(auto|strategy)"
)
_SWITCH = {"true", "false", "yes", "no", "on", "off", "0", "1"}
_LARGEST = 1 << 20


def harmless(text: bytes) -> tuple[str, list[str]]:
    """A configuration without what may run something, and what that is, as keys or lines."""
    kept: list[str] = []
    dropped: list[str] = [] if len(text) <= _LARGEST else ["its size"]
    section, name, opened = "", "", ""
    for line in text[:_LARGEST].decode("latin-1").split("\n"):
        plain = line.strip(" \t")
        if not plain or (plain[0] in "#;" and not plain.endswith("\\")):
            continue
        if found := _SECTION.fullmatch(plain):
            section, name = found[1].lower(), plain
            continue
        if plain[0] == "[":
            section = name = ""
        entry = _ENTRY.fullmatch(plain)
        key = f"{section}.{entry[1].lower()}" if entry else ""
        if entry and section and _HARMLESS.fullmatch(key) and _is_plain(key, entry[2].strip()):
            if opened != name:
                kept.append(name)
                opened = name
            kept.append(f"\t{entry[1]} = {entry[2].strip()}")
        else:
            dropped.append(key or plain[:60])
    return "".join(f"{line}\n" for line in kept), dropped


def _is_plain(key: str, value: str) -> bool:
    """Whether a value of a harmless key is one too."""
    if key == "core.fsmonitor":
        return value.lower() in _SWITCH
    if key == "core.worktree":
        return not value.startswith(("/", "~"))
    if key.endswith("url"):
        return "::" not in value and not value.startswith("-")
    return not value.startswith("!")
