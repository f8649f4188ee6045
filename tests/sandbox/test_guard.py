"""Protected paths: whatever a run does to them, nothing of it is left for the human's next git or editor."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Profile, Tier

pytestmark = pytest.mark.kernel

HOOK = "#!/bin/sh\necho original\n"

ATTACKS = {
    "write the hook": "echo EVIL > .git/hooks/pre-commit",
    "append to the configuration": "echo '[core] fsmonitor = EVIL' >> .git/config",
    "git config": "git config core.hooksPath EVIL",
    "a new hook": "echo EVIL > .git/hooks/post-checkout",
    "replace the hook by a link": "ln -sf /EVIL .git/hooks/pre-commit",
    "remove the hooks": "rm -rf .git/hooks",
    "rename the hooks": "mv .git/hooks .git/h2; mkdir .git/hooks; echo EVIL > .git/hooks/pre-commit",
    "rename .git": "mv .git .g2; cp -r .g2 .git; echo EVIL > .git/hooks/pre-commit",
    "replace .git by a link": "mv .git .g2; ln -s ../victim .git; echo EVIL > .git/hooks/pre-commit",
    "an absent name": "echo EVIL > .envrc",
    "an absent folder": "mkdir .vscode; echo EVIL > .vscode/tasks.json",
    "an absent name as a link": "ln -s /EVIL .envrc",
    "hard link and write": "ln .git/hooks/pre-commit h; echo EVIL > h",
    "change the mode": "chmod 000 .git/hooks/pre-commit",
    "close the folder of the hooks": "chmod 000 .git/hooks; echo EVIL > .envrc",
    "close the repository": "echo EVIL > .envrc; chmod 000 .git",
    "close the workspace": "echo EVIL > .envrc; chmod 000 .",
    "close a hook and write elsewhere": "chmod 000 .git/hooks/pre-commit; echo EVIL > .envrc",
    "truncate": ": > .git/hooks/pre-commit",
    "unlink and recreate": "rm -f .git/hooks/pre-commit; echo EVIL > .git/hooks/pre-commit",
    "rename over it": "echo EVIL > x; mv -f x .git/hooks/pre-commit",
    "vtcode's own marker": "echo EVIL > .vt-workspace-trust",
    "vtcode's own configuration": "echo 'EVIL = 1' > vtcode.toml",
    "python": 'python3 -c \'open(".git/hooks/pre-commit", "a").write("EVIL")\'',
    "sed -i": "sed -i s/original/EVIL/ .git/hooks/pre-commit",
    "a daemon that writes late": "(setsid sh -c 'sleep 0.05; echo EVIL > .envrc' &)",
    "a fifo in an absent place": "mkfifo .envrc",
}


@pytest.fixture
def repository(workspace: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    hook = workspace / ".git/hooks/pre-commit"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    (workspace / "file").write_text("content")
    (workspace.parent / "victim").mkdir()
    return workspace


@pytest.fixture
def protecting(profile: Profile, repository: Path) -> Profile:
    names = (".git/hooks", ".git/config", ".envrc", ".vscode", ".vt-workspace-trust", "vtcode.toml")
    return replace(profile, protected=tuple(repository / name for name in names))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_protected_path_is_what_it_was_after_the_run(
    finish: Finish, protecting: Profile, repository: Path, attack: str
) -> None:
    before = _snapshot(repository)
    _text, outcome = await finish(grant_for(protecting, "bash", "-c", attack))
    assert outcome.setup_error == ""
    assert _snapshot(repository) == before
    assert list((repository.parent / "victim").iterdir()) == []
    hook = repository / ".git/hooks/pre-commit"
    assert hook.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_each_of_these_attacks_works_without_a_sandbox(repository: Path, attack: str) -> None:
    before = _snapshot(repository)
    mode = (repository / ".git/hooks/pre-commit").stat().st_mode
    subprocess.run(["bash", "-c", attack], cwd=repository, check=False, capture_output=True)
    if "setsid" in attack:
        while not (repository / ".envrc").exists():
            pass
    for closed in (repository, repository / ".git", repository / ".git/hooks"):
        if closed.exists():
            closed.chmod(0o755)
    hook = repository / ".git/hooks/pre-commit"
    assert not hook.exists() or hook.stat().st_mode != mode or _snapshot(repository) != before


def _snapshot(root: Path) -> dict[str, str]:
    seen = {}
    for name in (".git/hooks", ".git/config", ".envrc", ".vscode", ".vt-workspace-trust", "vtcode.toml"):
        place = root / name
        for path in [place, *sorted(place.rglob("*"))]:
            if path.is_symlink():
                seen[str(path)] = f"link {path.readlink()}"
            elif path.is_file():
                seen[str(path)] = path.read_text()
            elif path.exists():
                seen[str(path)] = "folder" if path.is_dir() else "other"
    return seen


async def test_committing_still_works(finish: Finish, protecting: Profile, repository: Path) -> None:
    (repository / ".git/hooks/pre-commit").unlink()
    script = "git add file && git -c user.name=n -c user.email=e@x commit -qm one; git log --oneline"
    text, outcome = await finish(grant_for(protecting, "bash", "-c", script))
    assert outcome.exit_code == 0, text
    assert "one" in text


async def test_what_the_guard_undid_is_reported(
    finish: Finish, protecting: Profile, repository: Path, tier: Tier
) -> None:
    _text, outcome = await finish(grant_for(protecting, "sh", "-c", "echo EVIL > .envrc"))
    assert [(d.kind, d.detail) for d in outcome.denials if d.kind == "protected"] == [("protected", ".envrc")]
    assert (repository / ".git").is_dir()


async def test_a_new_repository_keeps_nothing_that_git_would_run(
    finish: Finish, protecting: Profile, repository: Path
) -> None:
    canary = repository.parent / "ran"
    script = f"""
        git init -q new && git -C new config core.fsmonitor 'touch {canary}; false'
        git init -q --bare bare.git
        echo 'touch {canary}' > bare.git/hooks/post-update && chmod +x bare.git/hooks/*
        git init -q plain
    """
    _text, outcome = await finish(grant_for(protecting, "bash", "-c", script))
    assert {d.detail for d in outcome.denials if d.kind == "protected"} == {"new/.git", "bare.git"}
    subprocess.run(["git", "status"], cwd=repository / "new", check=True, capture_output=True)
    assert not canary.exists()
    assert (repository / "plain/.git/config").exists()


async def test_no_placeholder_appears_in_the_workspace(
    finish: Finish, protecting: Profile, repository: Path
) -> None:
    before = sorted(str(p) for p in repository.rglob("*"))
    text, _outcome = await finish(grant_for(protecting, "bash", "-c", "ls -A; git status --porcelain"))
    assert sorted(str(p) for p in repository.rglob("*")) == before
    assert "?? file" in text
    assert ".envrc" not in text
