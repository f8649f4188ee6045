from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.sandbox.profile import Profile
from vtcode_tui.sandbox.seatbelt import Seatbelt, generate
from vtcode_tui.sandbox.seatbelt_reading import Rule, decides, parse, rules

ROOT = Path("/Users/ada/project")
PROFILE = Profile(
    "workspace",
    ROOT,
    writable=(ROOT,),
    readable=(Path("/Users/ada/.rustup"),),
    protected=(ROOT / ".git/hooks", ROOT / "vtcode.toml"),
    hidden=(ROOT / ".env",),
)
GOLDEN = Path(__file__).with_name("golden") / "workspace.sb"


def _made(profile: Profile = PROFILE, proxy_port: int = 0) -> Seatbelt:
    home, tmp = Path("/var/vtcode/home"), Path("/tmp/vtcode")
    return generate(profile, home=home, tmp=tmp, terminal="/dev/ttys004", proxy_port=proxy_port)


def _rules(made: Seatbelt) -> list[Rule]:
    return rules(made.text, made.parameters)


@pytest.mark.parametrize(
    ("operation", "path", "allowed"),
    [
        ("file-read-data", "/Users/ada/project/main.py", True),
        ("file-write-data", "/Users/ada/project/main.py", True),
        ("file-write-create", "/Users/ada/project/new", True),
        ("file-read-data", "/Users/ada/.ssh/id_rsa", False),
        ("file-write-data", "/Users/ada/.zshrc", False),
        ("file-read-data", "/Users/ada/project2/x", False),
        ("file-write-data", "/Users/ada/project/.git/hooks/pre-commit", False),
        ("file-write-create", "/Users/ada/project/.git/hooks/post-checkout", False),
        ("file-write-data", "/Users/ada/project/.git/index", True),
        ("file-write-unlink", "/Users/ada/project/.git", False),
        ("file-write-unlink", "/Users/ada/project/.git/index.lock", True),
        ("file-write-create", "/Users/ada/project/vtcode.toml", False),
        ("file-read-data", "/Users/ada/project/.env", False),
        ("file-write-data", "/Users/ada/project/.env", False),
        ("file-read-data", "/Users/ada/.rustup/toolchains/x", True),
        ("file-write-data", "/Users/ada/.rustup/toolchains/x", False),
        ("process-exec", "/usr/bin/git", True),
        ("file-read-data", "/private/etc/master.passwd", False),
        ("file-write-data", "/private/tmp/vtcode/x", True),
        ("file-write-data", "/private/tmp/other", False),
        ("file-write-data", "/dev/ttys004", True),
        ("file-write-data", "/dev/ttys005", False),
        ("mach-lookup", "", False),
        ("iokit-open", "", False),
    ],
)
def test_what_the_generated_profile_decides(operation: str, path: str, allowed: bool) -> None:
    assert decides(_rules(_made()), operation, path) is allowed


def test_nothing_is_reachable_but_the_proxy() -> None:
    assert not decides(_rules(_made()), "network-outbound", remote="localhost:4000")
    opened = _rules(_made(proxy_port=4000))
    assert decides(opened, "network-outbound", remote="localhost:4000")
    assert not decides(opened, "network-outbound", remote="localhost:4001")
    assert not decides(opened, "network-bind")


def test_a_deny_before_an_allow_has_no_effect_in_this_language() -> None:
    text = '(version 1)(deny default)(deny file-read* (subpath "/secret"))(allow file-read*)'
    assert decides(rules(text, {}), "file-read-data", "/secret/key")


def test_the_profile_is_what_was_reviewed() -> None:
    made = _made(proxy_port=4000)
    shown = made.text + "".join(f"; {name}={path}\n" for name, path in made.parameters.items())
    assert shown == GOLDEN.read_text()


ELSEWHERE = {
    "name": "it is only what the run is called",
    "workspace": "it is where the guard looks, and writable only if it is listed",
    "network": "the proxy's port is its rule",
    "limits": "they are watched from outside (inner/lone_run.py)",
    "environment": "the run starts with it (sandbox/job.py)",
    "staging": "there is no layer on a Mac: such a run is refused",
    "debug": "there is no ptrace between processes of a sandbox",
}


def test_each_part_of_a_profile_is_in_the_rules_or_has_another_place() -> None:
    other = {
        "writable": (ROOT / "a",),
        "readable": (ROOT / "b",),
        "protected": (ROOT / "c",),
        "hidden": (ROOT / "d",),
    }
    assert {field.name for field in fields(Profile)} == other.keys() | ELSEWHERE.keys()
    plain = _rules(_made())
    for name, value in other.items():
        changed = {**{f.name: getattr(PROFILE, f.name) for f in fields(Profile)}, name: value}
        assert _rules(_made(Profile(**changed))) != plain, name
    assert _rules(_made(proxy_port=4000)) != plain


@given(st.text(alphabet=st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1))
def test_no_name_of_a_folder_changes_the_rules(name: str) -> None:
    root = Path("/Users/ada") / name
    made = _made(Profile("p", root, writable=(root,)))
    assert made.text == _made(Profile("p", ROOT, writable=(ROOT,))).text
    assert str(root) in made.parameters.values()


@pytest.mark.parametrize("text", ["(a", "a)", "(a))", '("a)'])
def test_a_malformed_profile_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"parenthesis|not a profile"):
        parse(text)


def test_the_command_passes_paths_as_parameters() -> None:
    words = _made().command(("make", "test"))
    assert words[0] == "/usr/bin/sandbox-exec"
    assert words[-2:] == ("make", "test")
    assert f"WRITE_2={ROOT}" in words
