from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.common.errors import PathEscapeError, WorkspaceError
from vtcode_tui.workspace import Workspace
from vtcode_tui.workspace.stamps import has_settled


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with every kind of link, and a secret beside it."""
    base = tmp_path_factory.mktemp("jail").resolve()
    root = base / "ws"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a")
    (base / "outside").mkdir()
    (base / "outside" / "secret").write_text("s")
    (base / "ws-twin").mkdir()
    (root / "inside").symlink_to("src")
    (root / "inside_abs").symlink_to(root / "src")
    (root / "out").symlink_to(base / "outside")
    (root / "out_rel").symlink_to("../outside")
    (root / "up").symlink_to("..")
    (root / "src" / "back").symlink_to("../../ws/src")
    (root / "loop1").symlink_to("loop2")
    (root / "loop2").symlink_to("loop1")
    (root / "self").symlink_to("self")
    (root / "dangling").symlink_to("../outside/new")
    (root / "dangling_in").symlink_to("src/new")
    (root / "proc").symlink_to("/proc/self/root")
    (root / "chain").symlink_to("inside/back")
    (root / "file").write_text("f")
    return root


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("src/a.py", "src/a.py"),
        ("./src//a.py", "src/a.py"),
        ("src/../src/a.py", "src/a.py"),
        ("inside/a.py", "src/a.py"),
        ("inside_abs/a.py", "src/a.py"),
        ("chain/a.py", "src/a.py"),
        ("up/ws/src/a.py", "src/a.py"),
        ("new/er/file", "new/er/file"),
        ("dangling_in", "src/new"),
        ("inside/../file", "file"),
        ("up/ws-twin/../ws/file", "file"),
        (".", ""),
        ("~odd/file", "~odd/file"),
        ("file/below", "file/below"),
        ("src/deep/...", "src/deep/..."),
    ],
)
def test_a_path_inside_is_resolved(tree: Path, path: str, where: str) -> None:
    assert Workspace(tree).resolve(path) == tree / where


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../outside/secret",
        "src/../../outside/secret",
        "out/secret",
        "out_rel/secret",
        "up/outside/secret",
        "up",
        "src/back/../../../outside",
        "dangling",
        "/etc/passwd",
        "/",
        "~/.ssh/id_rsa",
        "~root/.bashrc",
        "~",
        "../ws-twin",
        "../ws-twin/file",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd/file",
        "proc/etc/passwd",
        "/dev/fd/0",
        "loop1",
        "self/x",
        "inside/../../outside",
    ],
)
def test_a_path_that_leads_out_is_refused_in_one_sentence(tree: Path, path: str) -> None:
    with pytest.raises(PathEscapeError) as caught:
        Workspace(tree).resolve(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800", "x" * 300, "/".join(["x"] * 3000)])
def test_what_is_no_path_is_refused(tree: Path, path: str) -> None:
    with pytest.raises(WorkspaceError):
        Workspace(tree).resolve(path)


def test_a_message_shows_hostile_characters_as_escapes(tree: Path) -> None:
    with pytest.raises(PathEscapeError) as caught:
        Workspace(tree).resolve("../\x1b[2J\u202egpj.exe")
    assert "\x1b" not in str(caught.value)
    assert "\\u202e" in str(caught.value)


def test_a_relative_path_starts_at_cwd(tree: Path) -> None:
    jail = Workspace(tree)
    assert jail.resolve("a.py", cwd=tree / "src") == tree / "src" / "a.py"
    assert jail.resolve("../file", cwd=tree / "src") == tree / "file"
    with pytest.raises(PathEscapeError):
        jail.resolve("../../outside", cwd=tree / "src")


def test_a_home_below_the_root_is_inside(tree: Path) -> None:
    assert Workspace(tree, home=tree / "src").resolve("~/a.py") == tree / "src" / "a.py"


def test_the_root_itself_may_be_named_through_a_link(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tree)
    jail = Workspace(tmp_path / "link")
    assert jail.root == tree
    assert jail.resolve(str(tmp_path / "link" / "src" / "a.py")) == tree / "src" / "a.py"


@pytest.mark.parametrize("kind", ["missing", "file", "loop"])
def test_a_root_that_is_no_folder_is_an_error(tree: Path, kind: str) -> None:
    with pytest.raises(WorkspaceError):
        Workspace({"missing": tree / "nope", "file": tree / "file", "loop": tree / "loop1"}[kind])


_NAMES = (
    ".. . src deep back inside inside_abs out out_rel up ws outside secret chain dangling dangling_in file a.py "
    "new proc self loop1 ws-twin ~"
)
_PIECES = st.sampled_from(["", *_NAMES.split()])


@given(pieces=st.lists(_PIECES, min_size=1, max_size=9), absolute=st.booleans())
@settings(
    max_examples=examples(300, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_a_resolved_path_is_inside_and_means_what_the_kernel_means(
    tree: Path, pieces: list[str], absolute: bool
) -> None:
    text = "/".join(pieces).lstrip("/") or "."
    asked = f"{tree}/{text}" if absolute else text
    try:
        resolved = Workspace(tree, home=Path("/root")).resolve(asked)
    except WorkspaceError:
        resolved = None
    kernel = Path(os.path.realpath(f"{tree}/{text}"))
    inside = kernel == tree or tree in kernel.parents
    if resolved is None:
        literal_home = not absolute and text.partition("/")[0] == "~"
        through = any(piece in {"proc", "self", "loop1"} for piece in pieces)
        assert not inside or literal_home or through
        return
    assert resolved == tree or tree in resolved.parents
    assert resolved == kernel or not (tree / text).exists()
    # Nothing on the way is a link any more, so whoever opens it without following links gets exactly this.
    assert not any(part.is_symlink() for part in (resolved, *resolved.parents))


@given(st.text(max_size=60))
@settings(
    max_examples=examples(150, 5_000), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_text_is_resolved_inside_or_refused(tree: Path, text: str) -> None:
    try:
        resolved = Workspace(tree).resolve(text)
    except WorkspaceError:
        return
    assert resolved == tree or tree in resolved.parents


def test_state_is_the_hash_of_a_regular_file_only(tree: Path) -> None:
    jail = Workspace(tree)
    assert jail.state(tree / "file") == "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111"
    assert jail.state(tree / "src") is None
    assert jail.state(tree / "nope") is None
    assert jail.state(tree / "out") is None


def test_a_layer_over_the_root_counts(tmp_path: Path) -> None:
    root, upper = tmp_path / "ws", tmp_path / "upper"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "kept").write_text("k")
    (root / "sub" / "gone").write_text("g")
    (root / "opaque").mkdir()
    (root / "opaque" / "hidden").write_text("h")
    (upper / "sub").mkdir(parents=True)
    (upper / "opaque").mkdir()
    (upper / "escape").symlink_to("/etc")
    (upper / "sub" / "kept").write_text("new")
    (upper / "sub" / "gone").touch()
    try:
        os.setxattr(upper / "sub" / "gone", "user.overlay.whiteout", b"y")
        os.setxattr(upper / "opaque", "user.overlay.opaque", b"y")
    except OSError:
        pytest.skip("this file system has no user attributes")
    plain, layered = Workspace(root), Workspace(root, upper=upper)
    assert plain.resolve("escape/passwd") == root / "escape" / "passwd"
    with pytest.raises(PathEscapeError):
        layered.resolve("escape/passwd")
    assert layered.state(root / "sub" / "kept") != plain.state(root / "sub" / "kept")
    assert layered.state(root / "sub" / "gone") is None
    assert plain.state(root / "opaque" / "hidden") is not None
    assert layered.state(root / "opaque" / "hidden") is None


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit",
        ".git/hooks",
        ".git/config",
        ".GIT/Config",
        ".g\u200cit/config",
        "sub/.git/config",
        "deep/er/.git/hooks/x",
        ".git/modules/x/config",
        ".git/modules/a/b/hooks/pre-push",
        ".gitmodules",
        ".vscode/tasks.json",
        ".vscode",
        ".idea/x",
        ".envrc",
        ".github/workflows/ci.yml",
        ".pre-commit-config.yaml",
        "AGENTS.md",
        "sub/AGENTS.md",
        ".mcp.json",
        "vtcode.toml",
        "VTCODE.toml",
        "tool-policy.json",
        ".vt-workspace-trust",
        "my/own/thing",
    ],
)
def test_a_path_that_something_would_obey_later_is_protected(tree: Path, path: str) -> None:
    assert Workspace(tree, protect=["my/own/"]).is_protected(tree / path)


@pytest.mark.parametrize(
    "path",
    ["src/a.py", ".git/index", ".git/HEAD", ".git/objects/ab/cd", ".gitignore", "config", "hooks/x", "README.md"],
)
def test_ordinary_files_are_not_protected(tree: Path, path: str) -> None:
    assert not Workspace(tree).is_protected(tree / path)


def test_a_git_that_is_no_folder_is_protected(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".git").write_text("gitdir: ../evil")
    (tmp_path / ".git").mkdir()
    jail = Workspace(tmp_path)
    assert jail.is_protected(jail.root / "a" / ".git")
    assert not jail.is_protected(jail.root / ".git")


@pytest.mark.parametrize("path", [".cargo", "sub/.github", "gradle", ".git/modules", "my/own", ".CARGO"])
def test_a_link_in_the_place_of_a_folder_that_holds_what_is_protected_is_protected(
    tmp_path: Path, path: str
) -> None:
    jail = Workspace(tmp_path, protect=["my/own/thing", "!README.md/x"])
    (jail.root / path).parent.mkdir(parents=True, exist_ok=True)
    (jail.root / path).mkdir()
    (jail.root / "README.md").symlink_to("x")
    assert not jail.is_protected(jail.root / path)
    (jail.root / path).rmdir()
    (jail.root / path).symlink_to("x")
    assert jail.is_protected(jail.root / path)
    assert not jail.is_protected(jail.root / "README.md")


def test_masked_files_are_found_and_their_examples_are_not(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c" / "d" / "e").mkdir(parents=True)
    for name in (".env", ".env.local", ".env.example", "a/b/c/d/e/.env"):
        (tmp_path / name).write_text("x")
    jail = Workspace(tmp_path, mask=[".env", ".env.*", "!.env.example"])
    assert set(jail.masked_paths()) == {tmp_path / ".env", tmp_path / ".env.local", tmp_path / "a/b/c/d/e/.env"}
    assert jail.is_masked(tmp_path / ".env")
    assert not jail.is_masked(tmp_path / ".env.example")


def test_own_files_are_those_in_the_root(tree: Path) -> None:
    jail = Workspace(tree)
    assert jail.is_own(tree / "vtcode.toml")
    assert jail.is_own(tree / "Tool-Policy.json")
    assert jail.is_own(tree / ".vt-workspace-trust")
    assert not jail.is_own(tree / "src" / "vtcode.toml")


def test_protected_paths_name_what_is_absent_too_and_nested_repositories(tmp_path: Path) -> None:
    (tmp_path / "sub" / ".git" / "hooks").mkdir(parents=True)
    (tmp_path / "sub" / ".git" / "config").touch()
    (tmp_path / ".idea").mkdir()
    paths = set(Workspace(tmp_path).protected_paths())
    assert {tmp_path / ".git" / "hooks", tmp_path / "vtcode.toml", tmp_path / ".idea"} <= paths
    assert {tmp_path / "sub" / ".git" / "hooks", tmp_path / "sub" / ".git" / "config"} <= paths


def test_what_comes_and_goes_between_two_runs_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    jail = Workspace(tmp_path, mask=[".env"])
    for round_ in range(30):
        env, config = tmp_path / "a" / "b" / ".env", tmp_path / "a" / ".npmrc"
        env.touch()
        config.touch()
        assert jail.masked_paths() == (env,), round_
        assert config in jail.protected_paths()
        env.unlink()
        config.unlink()
        assert jail.masked_paths() == (), round_
        assert config not in jail.protected_paths()


def test_a_secret_is_masked_where_a_run_has_moved_it_and_set_the_time_back(tmp_path: Path) -> None:
    """A run may rename the folder that a masked file is in: the next one shall not read it under the new name."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".env").touch()
    (tmp_path / "a" / ".npmrc").touch()
    jail = Workspace(tmp_path, mask=[".env"])
    while not has_settled(tmp_path.stat().st_ctime_ns, time.time_ns()):
        os.sched_yield()
    assert jail.masked_paths() == (tmp_path / "a" / ".env",)
    assert tmp_path / "a" / ".npmrc" in jail.protected_paths()
    before = tmp_path.stat()
    (tmp_path / "a").rename(tmp_path / "b")
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert jail.masked_paths() == (tmp_path / "b" / ".env",)
    assert tmp_path / "b" / ".npmrc" in jail.protected_paths()
