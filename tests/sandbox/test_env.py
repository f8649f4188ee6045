from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Profile, env

WORKSPACE = Path("/home/ada/project")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "x"),
        ("GITHUB_TOKEN", "x"),
        ("MY_PASSWORD", "x"),
        ("DATABASE_URL", "postgres://x"),
        ("LC_SECRET", "x"),
        ("TERM", "sk-abc"),
        ("USER", "ghp_abc"),
        ("LANG", "eyJhbGciOiJIUzI1NiJ9"),
        ("TZ", "https://ada:secret@example.com"),
        ("LD_PRELOAD", "/x.so"),
        ("PYTHONPATH", "/x"),
        ("BASH_FUNC_ls%%", "() { x; }"),
        ("NODE_OPTIONS", "--require x"),
        ("SSH_AUTH_SOCK", "/x"),
        ("DOCKER_HOST", "x"),
        ("SOMETHING_UNKNOWN", "x"),
    ],
)
def test_a_variable_that_is_secret_dangerous_or_unknown_does_not_pass(name: str, value: str) -> None:
    assert env.passed({name: value}) == {}


def test_what_builds_need_passes() -> None:
    wanted = {"LANG": "de_DE.UTF-8", "LC_ALL": "C", "TERM": "xterm", "CC": "clang", "JAVA_HOME": "/usr/lib/jvm"}
    assert env.passed(wanted) == wanted


def test_the_user_may_name_more_but_secrets_only_as_secrets() -> None:
    environ = {"FLAVOUR": "salt", "DEPLOY_TOKEN": "t"}
    assert env.passed(environ, names=("FLAVOUR", "DEPLOY_TOKEN")) == {"FLAVOUR": "salt"}
    assert env.passed(environ, names=("FLAVOUR",), secrets=("DEPLOY_TOKEN",)) == environ


def test_nothing_in_the_workspace_is_on_the_search_path() -> None:
    path = env.search_path({"PATH": f"/usr/bin:{WORKSPACE}/bin:.:relative:{WORKSPACE}"}, WORKSPACE)
    assert str(WORKSPACE) not in path
    assert all(entry.startswith("/") for entry in path.split(":"))


def test_git_lfs_is_set_up_where_it_is_installed_and_nowhere_else(tmp_path: Path) -> None:
    assert env.large_files(str(tmp_path)) == {}
    tool = tmp_path / "bin/git-lfs"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    reading = {**env.large_files(str(tool.parent)), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
    asked = ["git", "config", "--get", "filter.lfs.clean"]
    assert subprocess.run(asked, env=reading, capture_output=True, check=True).stdout == b"git-lfs clean -- %f\n"


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_no_value_that_looks_secret_ever_passes(environ: dict[str, str]) -> None:
    for name, value in env.passed(environ).items():
        assert not env.looks_secret(name, value)


@pytest.mark.kernel
async def test_a_run_has_no_secret_of_ours_in_its_environment(
    finish: Finish, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "WHATEVER", "LANG", "SESSION_ID"):
        monkeypatch.setenv(name, "sk-canary-0123456789")
    text, _outcome = await finish(grant_for(profile, "sh", "-c", "env; cat /proc/self/environ"))
    assert "canary" not in text
    assert "HOME=" in text
