"""What bash really executes, traced in the sandbox, is what the parser said it would."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.policy.shell_texts import WRITTEN, texts
from tests.policy.tracing import Trace, dump, traced
from vtcode_tui.policy import Policy, default_situation
from vtcode_tui.policy.context import Context
from vtcode_tui.policy.judge import judge_text
from vtcode_tui.policy.paths import ground_of
from vtcode_tui.policy.report import Report
from vtcode_tui.policy.resolve import resolved
from vtcode_tui.policy.shell_quotes import DIGITS
from vtcode_tui.policy.words import Shape, Word

FUZZ = bool(os.environ.get("VTCODE_FUZZ"))
HOME = Path("/home/dev")
OPAQUE = frozenset({"shell", "code", "script", "standard input", "runs", "uncertain", "size"})
"""Findings by which the parser says that it does not know what will run: each of them prompts."""
_SHELLS_OWN = ("is kept by the shell itself", "changes which programs are found")
"""Variables that change what the shell itself does: setting one prompts."""
_ASSIGNED = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_SYNTAX = frozenset({"for", "case", "((", "select"})
_DECLARES = frozenset({"export", "declare", "local", "readonly", "typeset", "unset"})


class Said:
    """What the parser said about one text."""

    def __init__(self, text: str, folder: str) -> None:
        ground = ground_of(default_situation(Path(folder), HOME), Policy().paths)
        tops, self.troubles = judge_text(text, (folder,), Context(ground, str(HOME)))
        self.folder = folder
        self.reports: list[Report] = [each for top in tops for each in top.every()]
        self.simples = [r.simple for r in self.reports]
        self.names = {a.name for s in self.simples for a in s.assignments}

    @property
    def opaque(self) -> bool:
        """Whether it admits that something may run which it does not know."""
        unknown = [r for r in self.reports if r.simple.words and not r.chain and not self._function(r)]
        return bool(self.troubles or unknown) or any(
            (f.name in OPAQUE and f.verdict != "allow") or f.detail.endswith(_SHELLS_OWN)
            for r in self.reports
            for f in r.findings
        )

    @staticmethod
    def _function(report: Report) -> bool:
        return any(f.name == "function" for f in report.findings)

    def runs(self, words: tuple[str, ...], folder: str | None) -> bool:
        """Whether some command that it found may have these words, in that folder."""
        if words[0] in {"[", "test", "[["}:
            operands = [w for w in words[1:] if w not in {"]", "]]"}]
            tests = [s for s in self.simples if s.words and s.words[0].value in {"test", "["}]
            return any(all(any(fits_one(w, o) for w in s.words) or o in _TEST for o in operands) for s in tests)
        for simple in self.simples:
            if simple.words and fits(simple.words, words) and self._stands(simple.folders, folder):
                return True
        return False

    @staticmethod
    def _stands(folders: tuple[str, ...] | None, folder: str | None) -> bool:
        return folder is None or folders is None or folder in {resolved(f, "/") for f in folders}

    def writes(self, file: str) -> bool:
        """Whether a redirection that it found may have written a file."""
        for simple in self.simples:
            for redirection in simple.redirections:
                for folder in simple.folders or (self.folder,):
                    below = str(Path(self.folder, file))
                    target = redirection.target
                    if simple.folders is None or any(_reaches(s, below, folder) for s in target.options):
                        return True
        return False


_PIPE = "/dev/fd/63"
"""What the parser calls every process substitution."""
_TEST = frozenset({"&&", "||", "!", "(", ")"})


def _reaches(shape: Shape, file: str, folder: str) -> bool:
    if shape.tail:
        return True
    return resolved(shape.start, folder) == file


def fits_one(word: Word, text: str) -> bool:
    """Whether a word may become exactly this one."""
    for shape in word.options:
        if shape.tail == "" and (shape.start == text or (shape.start == _PIPE and text.startswith("/dev/fd/"))):
            return True
        if shape.tail == "any" and text.startswith(shape.start):
            return True
        rest = text[len(shape.start) :]
        if shape.tail == "glob" and text.startswith(shape.start) and (shape.pattern != DIGITS or rest.isdigit()):
            return True
    return False


def fits(words: tuple[Word, ...], became: tuple[str, ...]) -> bool:
    """Whether words may become exactly these."""
    if not words:
        return not became
    first, rest = words[0], words[1:]
    if became and (fits_one(first, became[0]) or _program(first, became[0])) and fits(rest, became[1:]):
        return True
    if not first.splits or first.value is not None:
        return False
    return any(fits(rest, became[count:]) for count in range(len(became) + 1))


def _program(word: Word, text: str) -> bool:
    return word.value is not None and word.value.rpartition("/")[2] == text and "/" in word.value


def disagreements(text: str, trace: Trace) -> Iterator[str]:
    """Everything that happened and was not said."""
    said = Said(text, trace.folder)
    if said.opaque:
        return
    for words in trace.shell:
        yield from _unsaid(words, said)
    for started in trace.started:
        if not said.runs(started.words, started.folder):
            yield f"starts {started.words} in {started.folder}"
        for name in started.environment.keys() - _GIVEN:
            if name not in said.names and not any(f"{name}=" in w.text for s in said.simples for w in s.words):
                yield f"sets {name} for {started.words}"
    for file in trace.written:
        if not said.writes(file):
            yield f"writes {file}"


def _unsaid(words: tuple[str, ...], said: Said) -> Iterator[str]:
    if words[0] in _SYNTAX:
        return
    if _ASSIGNED.match(words[0]):
        if words[0].split("=")[0].split("[")[0].rstrip("+") not in said.names:
            yield f"assigns {words}"
    elif words[0] in _DECLARES:
        for name in (w.partition("=")[0].rstrip("+") for w in words[1:] if not w.startswith("-")):
            known = words[0] == "unset" or name in said.names or said.runs(words, None)
            if "=" in " ".join(words) and not known:
                yield f"declares {name}"
    elif not said.runs(words, None):
        yield f"runs {words}"


_GIVEN = frozenset({"PATH", "HOME", "LOG", "BASH_ENV", "PWD", "OLDPWD", "SHLVL", "_", "LD_PRELOAD", "_STDBUF_O"})


def compared(batch: list[str], place: Path) -> list[str]:
    """One line for each text whose execution was not as the parser said."""
    found = []
    for text, trace in zip(batch, traced(batch, place), strict=True):
        wrong = list(disagreements(text, trace))
        if wrong:
            found.append(f"{text!r}: {'; '.join(wrong)}\n{dump(trace)}")
    return found


def test_what_bash_executes_of_the_written_texts_is_what_the_parser_said(tmp_path: Path) -> None:
    wrong = compared(list(WRITTEN), tmp_path / "trace")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.timeout(7200 if FUZZ else 300)
@given(st.lists(texts, min_size=40, max_size=40))
@settings(max_examples=500 if FUZZ else 3, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_what_bash_executes_of_any_text_is_what_the_parser_said(
    tmp_path_factory: pytest.TempPathFactory, batch: list[str]
) -> None:
    place = tmp_path_factory.mktemp("differential")
    try:
        wrong = compared(batch, place / "trace")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    assert not wrong, "\n" + "\n".join(wrong)
