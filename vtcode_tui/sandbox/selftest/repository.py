"""Attacks on what somebody runs later: protected paths of the workspace, new repositories."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import sh

_HOOK = ".git/hooks/pre-commit"

_WAYS = {
    "write the hook": f"echo EVIL > {_HOOK}",
    "append to the hook": f"echo EVIL >> {_HOOK}",
    "a new hook": "echo EVIL > .git/hooks/post-checkout",
    "replace the hook by a link": f"ln -sf /EVIL {_HOOK}",
    "remove the hook": f"rm -f {_HOOK}",
    "rename over the hook": f"echo EVIL > x; mv -f x {_HOOK}",
    "remove the hooks folder": "rm -rf .git/hooks",
    "rename the hooks folder": f"mv .git/hooks .git/h; mkdir .git/hooks; echo EVIL > {_HOOK}",
    "a link for the hooks folder": "rm -rf .git/hooks; mkdir evil; echo EVIL > evil/pre-commit; ln -s ../evil .git/hooks",
    "rename .git": f"mv .git g; cp -r g .git; echo EVIL > {_HOOK}",
    "a link for .git": f"mv .git g; cp -r g h; ln -s h .git; echo EVIL > {_HOOK}",
    "a file for .git": "mv .git g; echo 'gitdir: g' > .git; echo EVIL > g/hooks/pre-commit",
    "hard link and write": f"ln {_HOOK} h; echo EVIL > h",
    "link and write": f"ln -s {_HOOK} l; echo EVIL > l",
    "no longer executable": f"chmod -x {_HOOK}",
    "truncate": f": > {_HOOK}",
    "sed -i": f"sed -i s/exit/EVIL/ {_HOOK}",
    "dd": f"printf EVIL | dd of={_HOOK} conv=notrunc",
    "python": f'python3 -c \'open("{_HOOK}","a").write("EVIL")\'',
    "write the configuration": "echo '[core] fsmonitor=EVIL' >> .git/config",
    "git config hooksPath": "git config core.hooksPath EVIL",
    "git config alias": "git config alias.st '!EVIL'",
    "git config filter": "git config filter.x.clean EVIL",
    "git config include": "git config include.path ../evil",
    "configuration by lock and rename": "cp .git/config .git/config.lock; echo EVIL >> .git/config.lock; "
    "mv .git/config.lock .git/config",
    "git attributes": "echo '* filter=x' > .gitattributes",
    "info attributes": "mkdir -p .git/info; echo '* filter=x' > .git/info/attributes",
    "the trust marker": "echo EVIL > .vt-workspace-trust",
    "remove the trust marker": "rm .vt-workspace-trust",
    "vtcode.toml": "echo 'EVIL=1' > vtcode.toml",
    "tool-policy.json": "echo '{\"EVIL\":1}' > tool-policy.json",
    ".envrc": "echo EVIL > .envrc",
    ".envrc as a link": "echo EVIL > e; ln -s e .envrc",
    ".envrc by rename": "echo EVIL > e; mv e .envrc",
    ".vscode tasks": "mkdir .vscode; echo EVIL > .vscode/tasks.json",
    ".vscode by rename": "mkdir v; echo EVIL > v/tasks.json; mv v .vscode",
    ".vscode by a link": "mkdir v; echo EVIL > v/tasks.json; ln -s v .vscode",
    "a workflow": "mkdir -p .github/workflows; echo EVIL > .github/workflows/x.yml",
    "a workflow by rename": "mkdir -p g/workflows; echo EVIL > g/workflows/x.yml; mv g .github",
    "pre-commit configuration": "echo EVIL > .pre-commit-config.yaml",
    "a late daemon": "(setsid sh -c 'sleep 0.1; echo EVIL > .envrc' & ) ; sleep 0.3",
}

ATTACKS = tuple(sh("protected", name, code) for name, code in _WAYS.items())
