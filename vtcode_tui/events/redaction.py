"""Keeps secrets out of journals, exports and models: exact values that are known, and shapes that give one away.

A keyword automaton runs over the text once; a shape is tried only where one of its keywords stands, anchored there,
in an engine whose time is linear. A secret becomes `‹redacted:rule:digest›`; the digest is keyed, so that equal
secrets can be recognised as equal and nothing can be guessed from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import math
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ahocorasick_rs
import re2

from vtcode_tui.common.files import write_atomically
from vtcode_tui.events.known import SHORTEST, Known, Span
from vtcode_tui.events.shapes import FRAMED, NAMED, TOKENS, Framed, Named, Token
from vtcode_tui.events.types import Checkpoint, Payload, SecretRedacted

_SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:api_?)?(?:key|token|secret|pass|passwd|password|credentials?|pat|auth|cookie|dsn)(?:_|$)|apikey|_pass(?:word)?$"
)
_NOT_SECRET = re.compile(r"(?i)^(?:ssh_auth_sock|gpg_.*|.*_(?:file|path|dir|url|sock|env))$|^/[\w./-]+$")
_PLACEHOLDER = re.compile(
    rb"(?i)^(?:x+|\*+|\.+|-+|_+|(?:your|my|the|some|change|replace|insert|example|dummy|test|fake|todo|none|null|true|false)"
    rb"[\w.-]*|pass(?:word)?|secret|token|redacted.*|env[.(].*|os\.environ.*|process\.env.*|<.*|%.*|\$.*|\{.*)$"
)
_WORDY = re.compile(rb"^[A-Za-z]+(?:[._-][A-Za-z]+)*$|^[\w]+(?:\.[A-Za-z_]\w*)+$|^[\d.:-]+$")
_REPLACED = "‹redacted:".encode()
_REACH = 8 << 10
"""So far at most a shape is followed: what bounds the time that a hostile text can cost."""
_STEP = r"[\w \t.-]{0,20}[\s'\"\\]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\s'\"`=\\]{0,5}"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets: how many each rule found, and the tokens that stand for them."""

    text: str
    counts: Mapping[str, int]
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is tried where a keyword stands; `edge`: no letter or digit may stand before it."""

    name: str
    pattern: Any
    entropy: float
    edge: bool
    check: str


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = 64 << 20
    return re2.compile(pattern.encode("ascii"), options)


_BODY = _compile(r"""(?:[0-9A-Za-z+/=\s\\,"']|[A-Z][\w-]{2,20}: [^\n]{0,120}\n)+""")
_BASE64_LINES = _compile(r"[0-9A-Za-z+/=\s\\]*")
_LAST_LINE = _compile(r"-----END[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----")


class Shapes:
    """The compiled shapes; one for the whole process, made when first needed."""

    def __init__(
        self, tokens: Iterable[Token] = TOKENS, named: Iterable[Named] = NAMED, framed: Iterable[Framed] = FRAMED
    ) -> None:
        exact: dict[bytes, list[_Trial]] = {}
        folded: dict[bytes, list[_Trial]] = {}
        for token in tokens:
            for prefix in token.prefixes:
                # Not followed by more of the same alphabet is not demanded: longer is as secret.
                pattern = _compile(f"({re2.escape(prefix)}{token.rest})")
                exact.setdefault(prefix.encode(), []).append(_Trial(token.name, pattern, token.entropy, True, ""))
        for one in named:
            for value in one.values:
                for word in one.words:
                    pattern = _compile(rf"(?i){re2.escape(word)}{_STEP}({value})(?:[\s'\"`;\\&]|$)")
                    folded.setdefault(word.encode(), []).append(_Trial(one.name, pattern, one.entropy, False, ""))
        for form in framed:
            trial = _Trial(form.name, _compile(form.form), form.entropy, False, form.check)
            for word in form.words:
                (exact if form.exact_case else folded).setdefault(word.encode(), []).append(trial)
        self._exact, self._folded = _Finder(exact), _Finder(folded)

    def find(self, data: bytes) -> list[Span]:
        """Every secret in `data`; spans may overlap."""
        return [*self._exact.find(data, data), *self._folded.find(data, data.lower())]


class _Finder:
    """One automaton over keywords, and what to try at each of them."""

    def __init__(self, trials: Mapping[bytes, list[_Trial]]) -> None:
        self._trials = [tuple(of) for of in trials.values()]
        self._automaton = ahocorasick_rs.BytesAhoCorasick(
            list(trials), implementation=ahocorasick_rs.Implementation.DFA
        )

    def find(self, data: bytes, haystack: bytes) -> Iterable[Span]:
        places = self._automaton.find_matches_as_indexes(haystack, overlapping=True)
        return self._tried(data, places) if places else ()

    def _tried(self, data: bytes, places: list[tuple[int, int, int]]) -> Iterator[Span]:
        done: dict[str, int] = {}
        keys = _PrivateKeys(data)
        for index, start, _ in places:
            for trial in self._trials[index]:
                if trial.edge and start and _is_word(data[start - 1]):
                    continue
                if done.get(trial.name, -1) > start:
                    continue
                found = trial.pattern.match(data, start, start + _REACH)
                if found is None:
                    continue
                begin, end = found.span(1) if found.span(1) != (-1, -1) else found.span(found.lastindex)
                if trial.check == "pem":
                    end = keys.end(end)
                if end > begin and _believable(trial, data[begin:end]):
                    done[trial.name] = end
                    yield Span(begin, end, trial.name)


class _PrivateKeys:
    """Where the body of a PEM block ends. Looks for each end mark once, so that many beginnings cost nothing."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._next = 0

    def end(self, start: int) -> int:
        """The end of the block whose first line ends at `start`; of what there is of it, when it is cut off."""
        if 0 <= self._next < start:
            self._next = self._data.find(b"-----END", start)
        last = _LAST_LINE.match(self._data, self._next) if self._next >= 0 else None
        # What does not look like a key is not hidden: a made-up frame must not make evidence disappear.
        if last is not None and _BODY.fullmatch(self._data, start, self._next):
            return int(last.end())
        return int(_BASE64_LINES.match(self._data, start, start + (64 << 10)).end())


def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95


def _believable(trial: _Trial, value: bytes) -> bool:
    if _REPLACED in value:
        return False
    if trial.check and _PLACEHOLDER.match(value):
        return False
    if trial.check == "generic" and (
        _WORDY.match(value) or not any(48 <= byte <= 57 for byte in value) or not any(byte > 57 for byte in value)
    ):
        return False
    return not trial.entropy or entropy(value) >= trial.entropy


def entropy(value: bytes) -> float:
    """Shannon entropy in bits per byte."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


_EXACT = re.compile(r"sha256$|^(?:statement|signature|note|head|log_key|root_head|root_anchor|id|call|tokens)$")


@cache
def _looked_at(kind: type[Payload]) -> tuple[str, ...]:
    """The fields of a payload that can hold a secret."""
    plain = {bool, int, float, bool | None, int | None, float | None}
    return tuple(
        name
        for name, field in kind.model_fields.items()
        if not _EXACT.search(name) and field.annotation not in plain
    )


def _texts(value: Any, found: list[str]) -> None:
    """Add every text in a value to `found`: for each event of a session, so it makes nothing but calls."""
    if isinstance(value, str):
        if value:
            found.append(value)
    elif isinstance(value, dict):
        for key, one in value.items():
            _texts(key, found)
            _texts(one, found)
    elif isinstance(value, list | tuple):
        for one in value:
            _texts(one, found)


_shapes: list[Shapes] = []


def shapes() -> Shapes:
    """The shapes that ship with vtcode."""
    if not _shapes:
        _shapes.append(Shapes())
    return _shapes[0]


def secrets_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that look like secrets by their names."""
    return {
        name: value
        for name, value in environ.items()
        if len(value) >= SHORTEST
        and _SECRET_NAME.search(name)
        and not _NOT_SECRET.search(name)
        and not _NOT_SECRET.search(value)
    }


def redaction_key(keys: Path) -> bytes:
    """The key of the tokens on this host, made when there is none: equal secrets are equal in every session."""
    path = keys / "redaction"
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    write_atomically(path, secrets.token_bytes(32))
    return path.read_bytes()


class Redactor:
    """Replaces secrets in text and in the payloads of events. Safe to share between threads."""

    def __init__(
        self, known: Mapping[str, str] | None = None, *, key: bytes | None = None, shapes: Shapes | None = None
    ) -> None:
        self._known = Known()
        self._key = key or secrets.token_bytes(32)
        self._shapes = shapes
        self.learn(known or {})

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] | None = None, *, key: bytes | None = None) -> Redactor:
        """A redactor that knows every variable which looks like a secret."""
        return cls(secrets_of(os.environ if environ is None else environ), key=key)

    def warm(self) -> None:
        """Compile the shapes now, in whatever thread this is, and not at the first text."""
        self.spans(b"warm")

    def learn(self, known: Mapping[str, str]) -> None:
        """From now on also replace these values, under these names; those shorter than 8 are ignored."""
        self._known.learn(known)

    @property
    def longest(self) -> int:
        """How long the longest spelling of a known value is, in bytes."""
        return self._known.longest

    def spans(self, data: bytes) -> list[tuple[Span, bytes]]:
        """Where secrets stand, in order and without overlap, each with the value that its digest is made of."""
        found = [*self._known.find(data)]
        engine = self._shapes or shapes()
        found += [(span, data[span.start : span.end]) for span in engine.find(data)]
        if len(found) < 2:
            return found
        # Known values win over shapes; of shapes the one that begins first, then the longest.
        found.sort(key=lambda one: (one[0].start, -one[0].end))
        kept: list[tuple[Span, bytes]] = []
        for span, value in found:
            if kept and span.start < kept[-1][0].end:
                last, its = kept[-1]
                if span.end > last.end:
                    kept[-1] = (Span(last.start, span.end, last.rule), its)
                continue
            kept.append((span, value))
        return kept

    def token(self, rule: str, value: bytes) -> str:
        """What stands for a secret."""
        digest = hmac.new(self._key, value, hashlib.sha256).hexdigest()[:8]
        return f"‹redacted:{rule}:{digest}›"

    def redact(self, text: str) -> Redacted:
        """The text without its secrets."""
        data = text.encode("utf-8", "surrogatepass")
        found = self.spans(data)
        if not found:
            return Redacted(text, {}, ())
        clean, counts, tokens = self.replace(data, found)
        return Redacted(clean.decode("utf-8", "surrogatepass"), counts, tokens)

    def payload(self, payload: Payload) -> tuple[Payload, Redacted | None]:
        """The payload without secrets in any of its texts, and what was found; None when nothing was.

        Digests, signatures and signed statements are left as they are: they hold no secret, and a token in one
        would make it false.
        """
        if isinstance(payload, Checkpoint | SecretRedacted):
            return payload, None
        names = _looked_at(type(payload))
        texts: list[str] = []
        for name in names:
            _texts(getattr(payload, name), texts)
        # One pass over all of them is enough for nearly every event.
        if not self.spans("\n\n".join(texts).encode("utf-8", "surrogatepass")):
            return payload, None
        counts: Counter[str] = Counter()
        tokens: dict[str, None] = {}

        def clean(value: Any) -> Any:
            match value:
                case str():
                    redacted = self.redact(value)
                    counts.update(redacted.counts)
                    tokens.update(dict.fromkeys(redacted.tokens))
                    return redacted.text
                case dict():
                    return {clean(key): clean(one) for key, one in value.items()}
                case list() | tuple():
                    return type(value)(clean(one) for one in value)
                case _:
                    return value

        changed = {name: clean(getattr(payload, name)) for name in names}
        if not counts:
            return payload, None
        return payload.model_copy(update=changed), Redacted("", dict(counts), tuple(tokens))

    def redact_bytes(self, data: bytes) -> bytes:
        """The bytes without their secrets."""
        found = self.spans(data)
        return self.replace(data, found)[0] if found else data

    def replace(
        self, data: bytes, found: Iterable[tuple[Span, bytes]]
    ) -> tuple[bytes, dict[str, int], tuple[str, ...]]:
        """Put tokens where the spans are."""
        pieces: list[bytes] = []
        counts: Counter[str] = Counter()
        tokens: dict[str, None] = {}
        at = 0
        for span, value in found:
            token = self.token(span.rule, value)
            pieces += (data[at : span.start], token.encode())
            at = span.end
            counts[span.rule] += 1
            tokens[token] = None
        pieces.append(data[at:])
        return b"".join(pieces), dict(counts), tuple(tokens)
