from __future__ import annotations

import pytest
from pygments.lexers import get_lexer_for_filename

from vtcode_tui.render import lexer_for

NAMES = (
    "src/app.py", "lib.rs", "a/b/index.js", "main.ts", "page.tsx", "x.c", "x.h", "x.cpp", "main.go", "A.java",
    "Makefile", "deploy/Dockerfile", "pyproject.toml", "ci.yaml", "package.json", "run.sh", "index.html", "a.css",
    "query.sql", "README.md", "script.pl", "x.m", "page.html.j2", ".bashrc", "CMakeLists.txt",
    "a.test.py", "Gemfile",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_coloured_as_what_pygments_takes_it_for(name: str) -> None:
    made = lexer_for(name)
    assert made is not None
    assert type(made) is type(get_lexer_for_filename(name))


@pytest.mark.parametrize("name", ["notes.txt", "no ending", "x.unheard-of", "", "."])
def test_what_is_no_known_language_has_no_colours(name: str) -> None:
    assert lexer_for(name) is None
