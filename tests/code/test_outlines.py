from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.cli import main
from vtcode_tui.code import outline, workers
from vtcode_tui.code.languages import LANGUAGES, language_of

SOURCES: dict[str, tuple[str, list[str]]] = {
    "python": (
        "class A:\n  @x\n  def f(self):\n    def g(): pass\nasync def h(): pass\nif 1:\n  def k(): pass\n",
        ["1 class A", "3 method A.f", "4 function A.f.g", "5 function h", "7 function k"],
    ),
    "javascript": (
        "export class A { m() {} static async n() { const q = () => 1 } }\nfunction f() {}\n"
        "export const g = async () => {}, n = 3\nexport default function h() {}\n",
        [
            "1 class A", "1 method A.m", "1 method A.n", "1 function A.n.q", "2 function f", "3 function g",
            "4 function h",
        ],
    ),
    "typescript": (
        "export interface I { m(): void }\ntype T = string\nenum E { A }\n"
        "namespace N { export function f(): void {} }\n"
        "abstract class C { abstract x(): void; y() {} }\ndeclare function d(): void\n",
        [
            "1 interface I", "1 method I.m", "2 type T", "3 enum E", "4 namespace N", "4 function N.f", "5 class C",
            "5 method C.x", "5 method C.y", "6 function d",
        ],
    ),
    "tsx": (
        "export const App = () => <div/>\nfunction B() { return <p/> }\n",
        ["1 function App", "2 function B"],
    ),
    "go": (
        "package x\ntype S struct { a int }\ntype (\n I interface{}\n J = int\n)\nfunc F() {}\nfunc (s *S) M() {}\n"
        "const C = 1\nvar (\n V int\n)\n",
        ["2 type S", "4 type I", "5 type J", "7 function F", "8 method M", "9 constant C", "11 variable V"],
    ),
    "rust": (
        "mod m { pub fn f() {} }\nstruct S; enum E {A}\ntrait T { fn a(&self); }\nimpl T for S { fn a(&self) {} }\n"
        "impl<X> S { fn n() {} }\nmacro_rules! mm { () => {} }\nconst C: u8 = 1;\n",
        [
            "1 module m", "1 function m.f", "2 struct S", "2 enum E", "3 trait T", "3 method T.a", "4 impl T for S",
            "4 method T for S.a", "5 impl S", "5 method S.n", "6 macro mm", "7 constant C",
        ],
    ),
    "java": (
        "public class A { int x; A() {} void m() {}\n enum E { P; void q() {} }\n"
        " interface I { void z(); } record R(int a) {} }\n",
        [
            "1 class A", "1 constructor A.A", "1 method A.m", "2 enum A.E", "2 method A.E.q", "3 interface A.I",
            "3 method A.I.z", "3 record A.R",
        ],
    ),
    "c": (
        "#define M 1\n#ifdef X\n#define F(a) a\n#endif\ntypedef struct s { int a; } s_t;\nstruct t { int b; };\n"
        "enum e { A };\n"
        "static int *f(int a) { return 0; }\nint g(struct t x);\n",
        ["1 macro M", "3 macro F", "5 type s_t", "5 struct s_t.s", "6 struct t", "7 enum e", "8 function f"],
    ),
    "cpp": (
        "namespace n { class A { public: int m() { return 1; } struct B { void z() {} }; };\n"
        "template<class T> T f(T a) { return a; } }\nint n::A::k() { return 0; }\nusing X = int;\n",
        [
            "1 namespace n", "1 class n.A", "1 method n.A.m", "1 struct n.A.B", "1 method n.A.B.z",
            "2 function n.f", "3 function n::A::k", "4 type X",
        ],
    ),
    "ruby": (
        "module M\n class A < B\n  def f; end\n  def self.g; end\n"
        "  class << self\n   def h; end\n  end\n end\nend\n",
        ["1 module M", "2 class M.A", "3 method M.A.f", "4 method M.A.g", "6 method M.A.h"],
    ),
    "bash": ("f() { echo; }\nfunction g { h() { :; }; }\n", ["1 function f", "2 function g", "2 function g.h"]),
}  # fmt: skip


def shown(text: str, language: str) -> list[str]:
    return [
        f"{s.line} {s.kind} {s.within}.{s.name}" if s.within else f"{s.line} {s.kind} {s.name}"
        for s in outline(text.encode(), language)
    ]


def test_every_language_has_a_source() -> None:
    assert set(SOURCES) == set(LANGUAGES)


@pytest.mark.parametrize("language", SOURCES)
def test_the_definitions_of_a_source(language: str) -> None:
    text, wanted = SOURCES[language]
    assert shown(text, language) == wanted


@pytest.mark.parametrize("language", SOURCES)
@given(data=st.data())
@settings(max_examples=examples(15), deadline=None)
def test_a_broken_source_gives_what_can_be_understood(language: str, data: st.DataObject) -> None:
    text = SOURCES[language][0].encode()
    cut = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.binary(max_size=20))
    for symbol in outline(text[:cut] + junk + text[cut:], language):
        assert 1 <= symbol.line <= symbol.end_line


def test_nesting_without_end_is_no_recursion() -> None:
    assert outline(b"(" * 200_000, "python") == []
    deep = "".join(f"{' ' * n}def f{n}():\n" for n in range(300)) + " " * 300 + "pass\n"
    assert 10 < len(outline(deep.encode(), "python")) < 300


def test_a_huge_file_is_not_parsed() -> None:
    assert outline(b"def f(): pass\n" * 100_000, "python") == []


@pytest.mark.parametrize(
    ("path", "start", "language"),
    [("a.py", b"", "python"), ("A.H", b"", "c"), ("x/Gemfile", b"", "ruby"), ("run", b"#!/bin/python3\n", "python"),
     ("go", b"#!/bin/sh\n", "bash"), ("a.txt", b"", ""), ("py", b"", "")],
)  # fmt: skip
def test_the_language_is_known_by_name_or_first_line(path: str, start: bytes, language: str) -> None:
    assert language_of(path, start) == language


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "a.py").write_text("class Session:\n  def close(self): pass\ndef sessions(): pass\n")
    (folder / "b.go").write_text("package b\nfunc OpenSession() {}\n")
    (folder / "skipped.py").write_text("class Session: pass\n")
    (folder / ".gitignore").write_text("skipped.py\n")
    (tmp_path / "outside.py").write_text("class SessionOutside: pass\n")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    return folder


def call(worker: str, root: Path, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(workers, worker)({"root": str(root), **arguments}, io.BytesIO())
    return answer


def test_symbols_are_found_by_name_the_nearest_first(root: Path) -> None:
    answer = call("symbols", root, query="Session")
    assert [(s["path"], s["name"]) for s in answer["symbols"]] == [
        ("a.py", "Session"),
        ("a.py", "sessions"),
        ("b.go", "OpenSession"),
    ]
    assert answer["complete"] is True
    assert [s["name"] for s in call("symbols", root, query="opses")["symbols"]] == ["OpenSession"]
    assert call("symbols", root, query="nothing")["symbols"] == []


def test_a_file_that_cannot_be_outlined_is_one_sentence(root: Path) -> None:
    (root / "x.txt").write_text("x")
    assert "no language" in call("outline_of", root, path="x.txt")["error"]
    assert "cannot be read" in call("outline_of", root, path="nope.py")["error"]
    assert "cannot be read" in call("outline_of", root, path="link.py")["error"]


@pytest.mark.kernel
def test_the_commands_parse_in_the_sandbox(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    if main(["symbols", "--json", "Session", "--cwd", str(root)]) == 4:
        pytest.skip(capsys.readouterr().err)
    assert json.loads(capsys.readouterr().out)["symbols"][0]["name"] == "Session"
    assert main(["outline", "a.py", "--cwd", str(root)]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == ["    1  class Session", "    2    method close"]
    assert main(["outline", "../outside.py", "--cwd", str(root)]) == 3
