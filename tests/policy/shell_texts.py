"""Shell texts to try the parser with: a grammar for hypothesis, and a list of what has been got wrong before."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_LITERALS = [
    "a.txt",
    "b.txt",
    "src",
    "-l",
    "--",
    "x y",
    "-n",
    "src/c.py",
    "",
    "two words.txt",
    "-",
    "a=b",
    "é",
    "..",
    "5",
]
_BARE = [w for w in _LITERALS if w and " " not in w]
_CHANGING = [
    "*.txt",
    "src/*",
    "$x",
    '"$x"',
    "${x}",
    "${y:-z w}",
    "$(ls)",
    '"$(ls)"',
    "`ls`",
    "{a,b}.txt",
    "{1..3}",
    "~",
    "~/n",
    "$'a\\tb'",
    "$'\\x61.txt'",
    "a\\ b",
    "\\ls",
    "l''s",
    'a"b c"d',
    "$((1+2))",
    "<(ls)",
    "?.txt",
    "[ab].txt",
    "$HOME/x",
    '"a$(cat a.txt)b"',
    "$0",
    "$#",
    '"$@"',
    "a{b,c",
    "}",
    "!",
    "$UNSET",
    '"${x}"y',
    "'a'\\''b'",
    "\\\na",
    "$PWD",
    "*/deep",
    "**/*.py",
    "$(< a.txt)",
    '"$(wc -l < a.txt)"',
    "$(printf '%s' b.txt)",
    "$i",
    '"$i"',
    "@(a|b).txt",
    "=",
    "${x#$(wc)}",
    "${y:-$(ls)}",
    "${x/a/$(wc)}",
]
_PROGRAMS = [
    "ls",
    "cat",
    "grep",
    "wc",
    "head",
    "sort",
    "rg",
    "git",
    "jq",
    "echo",
    "true",
    "false",
    "rm",
    "sudo",
    "python3",
]
_REDIRECTIONS = [
    "> out.txt",
    ">> log.txt",
    "2>/dev/null",
    "< a.txt",
    "2>&1",
    "&> both",
    "<<< word",
    '<<< "$x"',
    ">| forced",
    '> "$x.out"',
    "> $(echo sub)",
    "3> three",
    "> src/e.py",
    "> 'q w'",
]


def _quoted(word: str) -> SearchStrategy[str]:
    plain = [shlex.quote(word), f'"{word}"', *([word] if word and " " not in word else [])]
    return st.sampled_from(plain)


words = st.one_of(st.sampled_from(_LITERALS).flatmap(_quoted), st.sampled_from(_BARE), st.sampled_from(_CHANGING))
assignments = st.sampled_from(["x=1", "x=a.txt", "y='b c'", "LANG=C", "x=$(ls)", "x=src", "i=2", "x+=q"])
plain = st.builds(
    lambda before, name, rest, after: " ".join([*before, name, *rest, *after]),
    st.lists(assignments, max_size=1),
    st.sampled_from(_PROGRAMS),
    st.lists(words, max_size=3),
    st.lists(st.sampled_from(_REDIRECTIONS), max_size=1),
)
shell = st.one_of(
    plain,
    plain,
    plain,
    assignments,
    st.sampled_from(
        [
            "cd src",
            "cd ..",
            "cd",
            "cd src/deep",
            "pushd src",
            "popd",
            "cd -",
            'cd "$x"',
            "cd src && cd deep",
            "set -- p q",
            "shift",
            "x=1 y=2",
            "export x=3",
            "local z=1",
            "declare -a arr=(a b)",
            "arr=(a b c)",
            "echo ${arr[1]}",
            "unset x",
            "read -r x < a.txt",
            "test -f a.txt",
            '[ -n "$x" ]',
            "[[ $x == a* ]]",
            "[[ -d src && ! -f z ]]",
            "(( 1 + 1 ))",
            ":",
            "wait",
            "type ls",
            "command -v ls",
        ]
    ),
)


def _compound(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    line = inner.filter(lambda t: "<<E" not in t)
    two = st.tuples(line, line)
    return st.one_of(
        two.map(" | ".join),
        two.map(" && ".join),
        two.map(" || ".join),
        two.map("; ".join),
        two.map("\n".join),
        two.map(" & ".join),
        two.map(" |& ".join),
        line.map(lambda t: f"( {t} )"),
        line.map(lambda t: f"{{ {t}; }}"),
        line.map(lambda t: f"! {t}"),
        line.map(lambda t: f"time {t}"),
        line.map(lambda t: f"{t} &\nwait"),
        st.tuples(line, line, line).map(lambda t: f"if {t[0]}; then {t[1]}; else {t[2]}; fi"),
        st.tuples(
            st.sampled_from(["a b", "*.txt", "$x", "1 2 3", "$(ls)", "{a,b}", "-l src", "'a b'", '"*.txt" q']), line
        ).map(lambda t: f"for i in {t[0]}; do {t[1]}; done"),
        line.map(lambda t: f"while read -r i; do {t}; done < a.txt"),
        line.map(lambda t: f"for ((n=0; n<2; n++)); do {t}; done"),
        line.map(lambda t: f"until true; do {t}; done"),
        two.map(lambda t: f"case $x in a*) {t[0]};; *) {t[1]};; esac"),
        two.map(lambda t: f"f() {{ {t[0]}; }}; f a.txt; {t[1]}"),
        line.map(lambda t: f"function g {{ {t}; }}\ng"),
        line.map(lambda t: f"sh -c {shlex.quote(t)}"),
        line.map(lambda t: f"bash -lc {shlex.quote(t)} name -l"),
        line.map(lambda t: f"eval {shlex.quote(t)}"),
        line.map(lambda t: f"echo $({t})"),
        line.map(lambda t: f'cat "$( {t} )"'),
        line.map(lambda t: f"cat <({t})"),
        line.map(lambda t: f"cat < <({t})"),
        line.map(lambda t: f"x=$({t})"),
        line.map(lambda t: f"ls > >({t})"),
        line.map(lambda t: f"cat <<EOF\n$({t})\nEOF"),
        line.map(lambda t: f"cat <<'EOF'\n{t}\nEOF"),
        line.map(lambda t: f"sh <<'EOF'\n{t}\nEOF"),
        line.map(lambda t: f"cat <<-EOF && {t}\n\ttext $x\n\tEOF"),
        line.map(lambda t: f"trap {shlex.quote(t)} EXIT"),
        line.map(lambda t: f"bash <<< {shlex.quote(t)}"),
        line.map(lambda t: f"{{ {t}; }} > grouped.txt"),
        line.map(lambda t: f"( cd src; {t} ) < a.txt"),
        line.map(lambda t: f"coproc {t}; wait"),
    )


def _wrapped(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    wrappers = [
        "env {}",
        "env x=2 {}",
        "env -i {}",
        "timeout 9 {}",
        "timeout -k 1 9 {}",
        "nice -n 3 {}",
        "nohup {}",
        "command {}",
        "stdbuf -oL {}",
        "setsid -w {}",
        "xargs {}",
        "xargs -0 -n 1 {}",
        "ls | xargs {}",
        "exec {}",
        "builtin {}",
        "find . -name 'a*' -exec {} \\;",
        "find src -type f -exec {} {{}} +",
        "env nice timeout 9 {}",
        "LANG=C env {}",
    ]
    return st.one_of(inner, st.tuples(st.sampled_from(wrappers), plain).map(lambda t: t[0].format(t[1])))


def _as_one(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    """A choice that whatever is made of it leaves whole: it would be made of each of 50,000 branches otherwise."""

    @st.composite
    def one(draw: st.DrawFn) -> str:
        return draw(inner)

    return one()


texts: SearchStrategy[str] = _wrapped(shell)
for _ in range(3):
    texts = st.one_of(texts, _wrapped(_compound(_as_one(texts))))

WRITTEN = tuple(
    json.loads(line)[1]
    for line in (Path(__file__).parent / "tables" / "executed.jsonl").read_text(encoding="utf-8").splitlines()
)
"""Texts that were got wrong once, and what is easily got wrong."""
