"""Protected paths: whatever a run does to them, nothing of it is left for the human's next git or editor."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Profile, Tier

pytestmark = pytest.mark.kernel

HOOK = "#!/bin/sh\necho original\n"

PLACES = (".git/hooks", ".git/config", ".envrc", ".vscode", ".vt-workspace-trust", "vtcode.toml")

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
    "an absent folder above as a link": "mkdir c; echo EVIL > c/config.toml; ln -s c .cargo",
    "a link above that leads elsewhere": "ln -sfn ../victim .yarn",
    "a folder in the place of a link above": "rm .yarn; mkdir -p .yarn/plugins; echo EVIL > .yarn/plugins/a",
}


@pytest.fixture
def repository(workspace: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    hook = workspace / ".git/hooks/pre-commit"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    (workspace / "file").write_text("content")
    (workspace / ".yarn").symlink_to("yarn")
    (workspace.parent / "victim").mkdir()
    return workspace


@pytest.fixture
def protecting(profile: Profile, repository: Path) -> Profile:
    names = (*PLACES, ".cargo/config.toml", ".yarn/plugins")
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
    for name in (*PLACES, ".cargo", ".yarn"):
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


async def test_a_restored_hook_has_the_attributes_that_it_had_and_no_others(
    finish: Finish, protecting: Profile, repository: Path
) -> None:
    hook = repository / ".git/hooks/pre-commit"
    os.setxattr(hook, "user.mine", b"kept")
    script = "import os; h='.git/hooks/pre-commit'; os.removexattr(h,'user.mine'); os.setxattr(h,'user.evil',b'x')"
    await finish(grant_for(protecting, "python3", "-c", script))
    assert {name: os.getxattr(hook, name) for name in os.listxattr(hook)} == {"user.mine": b"kept"}
    assert hook.read_text() == HOOK


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


_EVIL = "fsmonitor = touch CANARY"
_LAYOUT = "mkdir -p X/objects X/refs; echo 'ref: refs/heads/main' > X/HEAD; exec > X/config; "
_PAGER = "pager = touch CANARY"
_ARM = f"printf '[core]\\n{_EVIL}\\n'"
_DEEP = f"git init -q X/a/b/c/d/e; {_ARM} >> X/a/b/c/d/e/.git/config; "
TRAPS = {
    "a bare repository in a folder that was there": f"{_LAYOUT}printf '[core]\\nbare = true\\n{_PAGER}\\n'",
    "the key beside its section": f"{_LAYOUT}echo '[core] {_PAGER}'",
    "a section with a comment": f"{_LAYOUT}printf '[core];c\\n{_PAGER}\\n'",
    "a value on two lines": f"{_LAYOUT}printf '[core]\\npager = \\\\\\n touch CANARY\\n'",
    "an included file": f"{_LAYOUT}printf '[include]\\npath = more\\n'; echo '[core] {_PAGER}' > X/more",
    "an included file by condition": f"{_LAYOUT}printf '[includeIf \"gitdir:**\"]\\npath = more\\n'; "
    f"echo '[core] {_PAGER}' > X/more",
    "a file .git that leads to a deep folder": f"{_DEEP} echo 'gitdir: a/b/c/d/e/.git' > X/.git",
    "a file .git whose path ends in a blank": f"{_DEEP} mv X/a/b/c/d/e/.git 'X/a/b/c/d/e/g '; "
    "echo 'gitdir: a/b/c/d/e/g ' > X/.git",
    "a link .git": f"{_DEEP} ln -s a/b/c/d/e/.git X/.git",
    "a git folder of links": "git init -q Y; mkdir X/.git; cd X/.git; ln -s ../../Y/.git/objects; "
    f"ln -s ../../Y/.git/refs; cp ../../Y/.git/HEAD .; {_ARM} > config",
    "in a folder called objects": f"mkdir objects; git init -q objects; {_ARM} >> objects/.git/config; rmdir X; "
    "ln -s objects X",
    "in a folder called logs": f"mkdir logs; git init -q logs; {_ARM} >> logs/.git/config; rmdir X; ln -s logs X",
    "a configuration elsewhere": f"{_DEEP} mkdir X/.git; cp X/a/b/c/d/e/.git/HEAD X/.git; "
    "echo ../a/b/c/d/e/.git > X/.git/commondir",
    "behind a decoy in the folder above": "mkdir objects refs; echo 'ref: refs/heads/main' > HEAD; git init -q X; "
    f"{_ARM} >> X/.git/config",
    "behind a decoy in its folder": f"git init -q X; {_ARM} >> X/.git/config; mkdir X/objects X/refs; "
    "cp X/.git/HEAD X",
    "a pager for one command": "git init -q X; git -C X config pager.status 'touch CANARY; cat'",
    "hooks through a new folder": "git init -q X; git -C X config core.hooksPath ../evil; mkdir evil; "
    "printf '#!/bin/sh\\ntouch CANARY\\n' > evil/pre-commit; chmod +x evil/*",
    "a configuration for one worktree": "git init -q X; git -C X config extensions.worktreeConfig true; "
    f"{_ARM} > X/.git/config.worktree",
    "a repository that was made before": f"{_ARM} >> old/.git/config; mv old/.git X/.git",
    "a submodule's git folder": "git init -q .git/modules/x; mv .git/modules/x/.git .git/modules/y; "
    f"{_ARM} >> .git/modules/y/config; echo 'worktree = ../../../X' >> .git/modules/y/config; "
    "echo 'gitdir: ../.git/modules/y' > X/.git",
}


def visit(repository: Path) -> None:
    """What a person does, or a prompt that shows the branch: in a terminal, so that pagers start too."""
    for words in (
        "git status",
        "git config --list",
        "git -c user.name=n -c user.email=e@x commit -q --allow-empty -m x",
    ):
        subprocess.run(
            ["script", "-qec", words, "/dev/null"],
            cwd=repository / "X",
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": str(repository.parent), "TERM": "xterm"},
        )


@pytest.fixture
def visited(repository: Path) -> Path:
    (repository / "X").mkdir()
    subprocess.run(["git", "init", "-q", str(repository / "old")], check=True)
    return repository


@pytest.mark.skipif(shutil.which("script") is None, reason="nothing here makes a terminal")
@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
async def test_no_repository_that_a_run_leaves_makes_a_persons_git_run_something(
    finish: Finish, protecting: Profile, visited: Path, trap: str
) -> None:
    canary = visited.parent / "ran"
    _text, outcome = await finish(grant_for(protecting, "bash", "-c", trap.replace("CANARY", str(canary))))
    visit(visited)
    assert not canary.exists()
    assert any(denial.kind == "protected" for denial in outcome.denials)


@pytest.mark.skipif(shutil.which("script") is None, reason="nothing here makes a terminal")
@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_each_of_these_traps_works_without_the_guard(visited: Path, trap: str) -> None:
    canary = visited.parent / "ran"
    script = trap.replace("CANARY", str(canary))
    subprocess.run(["bash", "-c", script], cwd=visited, check=False, capture_output=True)
    visit(visited)
    assert canary.exists()


async def test_ordinary_work_with_repositories_loses_nothing_to_the_guard(
    finish: Finish, protecting: Profile, visited: Path
) -> None:
    script = """
        export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e@x GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e@x
        git init -q -b main one && cd one && echo a > a && git add a && git commit -qm one && cd ..
        git clone -q one two && git -C two config user.name n && git -C two config branch.main.rebase true
        git -C one worktree add -q ../three
        git init -q -b main four && git -C four -c protocol.file.allow=always submodule --quiet add ../one m
    """
    text, outcome = await finish(grant_for(protecting, "bash", "-ec", script))
    assert (text, outcome.exit_code) == ("", 0)
    assert outcome.denials == ()
    for place in ("one", "two", "three", "four", "four/m"):
        done = subprocess.run(["git", "-C", str(visited / place), "status"], check=False, capture_output=True)
        assert done.returncode == 0, (place, done.stderr)
    url = ["git", "-C", str(visited / "two"), "config", "remote.origin.url"]
    assert subprocess.run(url, check=True, capture_output=True, text=True).stdout.strip().endswith("/one")


async def test_a_file_that_leads_nowhere_stays_and_is_followed_when_it_leads_somewhere(
    finish: Finish, protecting: Profile, visited: Path
) -> None:
    _text, outcome = await finish(grant_for(protecting, "sh", "-c", "echo 'gitdir: a/b/c/d/e' > X/.git"))
    assert outcome.denials == ()
    assert (visited / "X/.git").is_file()
    canary = visited.parent / "ran"
    later = f"cd X; mkdir -p a/b/c/d; git init -q --separate-git-dir a/b/c/d/e n; {_ARM} >> a/b/c/d/e/config"
    _text, outcome = await finish(grant_for(protecting, "bash", "-c", later.replace("CANARY", str(canary))))
    assert any("a/b/c/d/e" in denial.detail for denial in outcome.denials)
    visit(visited)
    assert not canary.exists()


async def test_a_file_that_leads_out_of_the_workspace_is_taken_away(
    finish: Finish, protecting: Profile, visited: Path
) -> None:
    script = """
        echo 'gitdir: ../../victim' > X/.git
        mkdir -p Z/.git Y/.git; cp old/.git/HEAD Z/.git; cp old/.git/HEAD Y/.git
        echo /tmp > Z/.git/commondir; echo ../../old/.git > where; ln -s ../../where Y/.git/commondir
    """
    _text, outcome = await finish(grant_for(protecting, "sh", "-c", script))
    assert {denial.detail for denial in outcome.denials} == {"X/.git", "Y/.git/commondir", "Z/.git/commondir"}
    assert not (visited / "X/.git").exists()
    assert not (visited / "Z/.git/commondir").exists()


async def test_what_is_harmless_in_a_configuration_stays_when_the_rest_goes(
    finish: Finish, protecting: Profile, visited: Path
) -> None:
    script = "git init -q new; git -C new remote add o https://example.com/x; git -C new config core.pager evil"
    await finish(grant_for(protecting, "bash", "-ec", script))
    config = ["git", "-C", str(visited / "new"), "config", "--local", "--list"]
    kept = subprocess.run(config, check=True, capture_output=True, text=True).stdout
    assert "remote.o.url=https://example.com/x" in kept
    assert "remote.o.fetch=+refs/heads/*:refs/remotes/o/*" in kept
    assert "pager" not in kept


async def test_no_placeholder_appears_in_the_workspace(
    finish: Finish, protecting: Profile, repository: Path
) -> None:
    before = sorted(str(p) for p in repository.rglob("*"))
    text, _outcome = await finish(grant_for(protecting, "bash", "-c", "ls -A; git status --porcelain"))
    assert sorted(str(p) for p in repository.rglob("*")) == before
    assert "?? file" in text
    assert ".envrc" not in text


async def test_the_configuration_of_a_worktree_that_lies_elsewhere_is_disarmed_when_it_is_changed_in_place(
    finish: Finish, protecting: Profile, repository: Path
) -> None:
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=e@x"]
    for words in (
        "commit -qm one --allow-empty --no-verify",
        "config extensions.worktreeConfig true",
        "config core.logAllRefUpdates false",
        "worktree add -q ../elsewhere",
    ):
        subprocess.run([*git, *words.split()], check=True, capture_output=True)
    subprocess.run(["git", "config", "--worktree", "a.b", "c"], cwd=repository.parent / "elsewhere", check=True)
    shutil.rmtree(repository / ".git/worktrees/elsewhere/refs", ignore_errors=True)
    shutil.rmtree(repository / ".git/worktrees/elsewhere/logs", ignore_errors=True)
    canary = repository.parent / "ran"
    script = f"printf '[core]\\nfsmonitor = touch {canary}\\n' >> .git/worktrees/elsewhere/config.worktree"
    _text, outcome = await finish(grant_for(protecting, "bash", "-ec", script))
    assert outcome.exit_code == 0
    subprocess.run(["git", "status"], cwd=repository.parent / "elsewhere", check=True, capture_output=True)
    assert not canary.exists()
