"""One command of words that no shell would change, read without a parser.

Most of what agents run looks like this. What is read here is what the parser reads (a property of the tests);
whatever could mean anything else to a shell is left to it.
"""

from __future__ import annotations

import re

from vtcode_tui.policy.words import Word

LONGEST = 4000
_PLAIN = r"[A-Za-z0-9_\-./:,@%+]"
_WORD = rf"(?:{_PLAIN}(?:{_PLAIN}|=)*|'[ -&(-~]*'|\"[ #&-.0-9:;<=>?@A-Z_a-z%+/,]*\")"
_COMMAND = re.compile(rf"[A-Za-z_./]{_PLAIN}*(?: {_WORD})*")
_WORDS = re.compile(_WORD)
_MEANS_MORE = frozenset(
    (
        "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "function",
        "select", "time", "coproc", "declare", "typeset", "export", "readonly", "local", "unset", "unsetenv",
        "trap", "let",
    )
)  # fmt: skip
"""Words that are no command's name to a shell, or whose arguments it reads in a way of their own."""


def plain_words(text: str) -> tuple[Word, ...] | None:
    """The words of a text that is one plain command; None for any other text."""
    if len(text) > LONGEST or _COMMAND.fullmatch(text) is None:
        return None
    if text.partition(" ")[0] in _MEANS_MORE:
        return None
    return tuple(Word(word, word[1:-1] if word[0] in "'\"" else word) for word in _WORDS.findall(text))
