"""Why a path failed is said: to people what the sandbox hid, to a model nothing about what exists."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Denial, Execute, Outcome, Profile, Spawner, Tier
from vtcode_tui.sandbox.complaints import Complaints
from vtcode_tui.sandbox.view import View
from vtcode_tui.tools.answer import refusals


def _for(outcome: Outcome, audience: str) -> list[Denial]:
    return [d for d in outcome.denials if d.kind == "path" and d.audience in (audience, "all")]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "data.csv").write_text("1,2")
    return place


@pytest.mark.kernel
async def test_a_hidden_file_is_named_to_people_with_what_could_be_approved(
    finish: Finish, profile: Profile, outside: Path
) -> None:
    _text, outcome = await finish(grant_for(profile, "cat", str(outside / "data.csv")))
    told = _for(outcome, "people")
    assert len(told) == 1, outcome.denials
    assert str(outside / "data.csv") in told[0].detail
    assert "--read" in told[0].remedy


@pytest.mark.kernel
async def test_a_hidden_program_that_the_run_itself_would_be_is_named_too(
    finish: Finish, profile: Profile, outside: Path
) -> None:
    program = outside / "tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    grant = replace(grant_for(profile, "true"), work=Execute((str(program),), program))
    _text, outcome = await finish(grant)
    (told,) = _for(outcome, "people")
    assert f"{program} exists and is hidden from this run" in told.detail
    assert "--read" in told.remedy


@pytest.mark.kernel
async def test_a_file_that_does_not_exist_is_not_called_hidden(
    finish: Finish, profile: Profile, outside: Path
) -> None:
    _text, outcome = await finish(grant_for(profile, "cat", str(outside / "none.csv"), "inside.csv"))
    assert _for(outcome, "people") == []


@pytest.mark.kernel
async def test_the_model_hears_the_same_whether_a_file_exists_or_not(
    finish: Finish, profile: Profile, outside: Path
) -> None:
    said = []
    for name in ("data.csv", "none.csv"):
        script = f"echo 'cat: {outside}/{name}: No such file or directory'; exit 1"
        _text, outcome = await finish(grant_for(profile, "sh", "-c", script))
        said.append(refusals(outcome.denials).replace(name, "NAME"))
    assert said[0] == said[1] != ""
    assert str(outside) in said[0]


@pytest.mark.kernel
async def test_what_was_named_can_be_granted(finish: Finish, profile: Profile, outside: Path) -> None:
    granted = replace(profile, readable=(outside,))
    text, outcome = await finish(grant_for(granted, "cat", str(outside / "data.csv")))
    assert (text, outcome.exit_code, _for(outcome, "people")) == ("1,2", 0, [])


@pytest.mark.kernel
async def test_writing_to_a_folder_that_may_only_be_read_is_named(
    finish: Finish, profile: Profile, outside: Path
) -> None:
    granted = replace(profile, readable=(outside,))
    _text, outcome = await finish(grant_for(granted, "touch", str(outside / "new")))
    (told,) = _for(outcome, "people")
    assert told.audience == "all"
    assert "read-only for this run" in told.detail
    assert "--write" in told.remedy


@pytest.mark.kernel
async def test_a_cache_in_the_home_folder_is_named_as_people_write_it(
    tmp_path: Path, tier: Tier, profile: Profile
) -> None:
    home = tmp_path / "home"
    (home / ".cache" / "huge").mkdir(parents=True)
    (home / ".ssh").mkdir()
    spawner = Spawner.start(scratch=tmp_path / "scratch", tier=tier, home=home)
    try:
        flight = await spawner.run(grant_for(profile, "bash", "-c", "ls ~/.cache/huge/ ~/.ssh/"))
        assert b"".join([piece async for piece in flight.output()])
        outcome = await flight.wait()
    finally:
        await spawner.close()
    remedies = {d.detail.split(" ")[0]: d.remedy for d in _for(outcome, "people")}
    assert "--read ~/.cache/huge" in remedies["~/.cache/huge"], outcome.denials
    assert "stays out of reach" in remedies["~/.ssh"]


@pytest.mark.kernel
async def test_nothing_is_said_of_a_run_that_succeeded(finish: Finish, profile: Profile, outside: Path) -> None:
    script = f"cat {outside}/data.csv; exit 0"
    _text, outcome = await finish(grant_for(profile, "sh", "-c", script))
    assert outcome.denials == ()


def _denials(said: str, home: Path, workspace: Path) -> tuple[Denial, ...]:
    view = View(Profile("t", workspace, (workspace,)), "full", home, str(home), "/tmp")
    complaints = Complaints(view, "/usr/bin")
    complaints.hear(said.encode(errors="surrogateescape"))
    return complaints.denials()


FORMS = {
    "python": "FileNotFoundError: [Errno 2] No such file or directory: '{path}'",
    "node": "Error: EACCES: permission denied, open '{path}'",
    "cargo": "error: failed to open: {path}\n\nCaused by:\n  Permission denied (os error 13)",
    "gcc": "main.c:1:10: fatal error: {path}: No such file or directory",
    "bash": "bash: line 1: {path}: No such file or directory",
    "ls": "ls: cannot access '{path}': No such file or directory",
    "make": "make: *** No rule to make target '{path}'.  Stop.",
    "git": 'fatal: could not open "{path}" for reading: No such file or directory',
    "colours": "\x1b[31mcat\x1b[0m: {path}: No such file or directory\r",
}


@pytest.mark.parametrize("form", FORMS)
def test_the_complaints_of_common_tools_are_understood(tmp_path: Path, form: str) -> None:
    path = tmp_path / "with-a.name" / "file_1"
    path.parent.mkdir()
    path.write_text("")
    told = [d for d in _denials(FORMS[form].format(path=path), Path("/h"), Path("/w")) if d.audience == "people"]
    assert [str(path) in d.detail for d in told] == [True]


def test_paths_that_are_seen_are_not_explained(tmp_path: Path) -> None:
    inside = tmp_path / "workspace"
    inside.mkdir()
    said = f"cat: {inside}/none: No such file or directory\n/usr/bin/x: not found\nhttp://host/etc/shadow not found"
    assert _denials(said, Path("/h"), inside) == ()


@given(st.text(max_size=300))
def test_no_output_breaks_the_explanation(said: str) -> None:
    _denials(f"{said}\nNo such file or directory /{said}", Path("/h"), Path("/w"))


@given(st.sampled_from(["/etc/shadow", "/srv/x", "/root", "~/.ssh", "~/notes", "/tmp/x", "/proc/1/environ"]))
def test_what_the_model_hears_is_no_word_about_what_exists(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()

        def told() -> list[Denial]:
            found = _denials(f"cat: {path}: No such file or directory", home, Path("/w"))
            return [denial for denial in found if denial.audience != "people"]

        before = told()
        (home / ".ssh").mkdir()
        (home / "notes").touch()
        assert told() == before
        assert "exists" not in repr(before)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "script",
    ["git config user.name x", "echo x >> .git/config", "rm .git/hooks/*", "git remote add o /x"],
)
async def test_a_protected_file_is_named_however_the_program_names_it(
    finish: Finish, profile: Profile, spawner: Spawner, script: str
) -> None:
    """git says `.git/config: Device or resource busy` where a file is held in its place."""
    subprocess.run(["git", "init", "-q", str(profile.workspace)], check=True)
    protected = tuple(profile.workspace / name for name in (".git/config", ".git/hooks"))
    _text, outcome = await finish(grant_for(replace(profile, protected=protected), "sh", "-c", script))
    if spawner.tier == "kernel":  # there it is undone, and told by that
        assert [d.detail for d in outcome.denials if d.kind == "protected"], outcome
        return
    assert outcome.exit_code
    for audience in ("people", "model"):
        assert any("is protected: no run changes it" in d.detail for d in _for(outcome, audience)), outcome.denials


@pytest.mark.kernel
async def test_git_that_goes_on_without_its_settings_is_explained_with_what_a_person_can_do(
    finish: Finish, profile: Profile
) -> None:
    """`git submodule add` ends with 0 although it could write neither of the files that make a submodule."""
    subprocess.run(["git", "init", "-q", str(profile.workspace)], check=True)
    protected = tuple(profile.workspace / name for name in (".git/config", ".gitmodules"))
    script = (
        "git init -q o; git -C o -c user.name=n -c user.email=e commit -q --allow-empty -m m; "
        "git -c protocol.file.allow=always submodule --quiet add ./o dep; true"
    )
    _text, outcome = await finish(grant_for(replace(profile, protected=protected), "sh", "-c", script))
    assert outcome.exit_code == 0
    assert {name for name in (".git/config", ".gitmodules") for d in outcome.denials if name in d.detail} == {
        ".git/config", ".gitmodules"
    }, outcome.denials  # fmt: skip
    assert all("you are asked for it by name" in d.remedy and d.audience == "all" for d in outcome.denials)


@pytest.mark.kernel
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("script", ["echo x >> theirs", "echo x >> $PWD/theirs"])
async def test_a_file_of_somebody_else_is_named_as_such(finish: Finish, profile: Profile, script: str) -> None:
    """Runs have none of root's powers: in a folder of another user, as in many containers, each edit fails."""
    (profile.workspace / "theirs").touch()
    os.chown(profile.workspace / "theirs", 4321, 4321)
    _text, outcome = await finish(grant_for(profile, "sh", "-c", script))
    (told,) = outcome.denials
    assert "belongs to user 4321, group 4321" in told.detail and "chown" in told.remedy


def test_a_file_of_the_workspace_that_is_not_protected_needs_no_word(tmp_path: Path) -> None:
    view = View(
        Profile("test", tmp_path, (tmp_path,), protected=(tmp_path / ".envrc",)), "full", tmp_path, "/h", "/t"
    )
    heard = Complaints(view, "")
    heard.hear(b"mv: cannot move 'a.envrc' to 'b': Read-only file system\nlock: Device or resource busy\n")
    assert heard.denials() == ()
