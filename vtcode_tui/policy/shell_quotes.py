"""Quoting, escapes and braces: pieces of a word as written to what the shell makes of them."""

from __future__ import annotations

from vtcode_tui.policy.words import MOST_SHAPES, Shape, Word, unknown

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+^#")
NUMBER = "a number that the shell counts"
DIGITS = "[0-9]*"
ALNUM = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_SIMPLE_ESCAPES = {
    "n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "r": "\r", "v": "\v",
    "e": "\x1b", "E": "\x1b", "?": "?",
}  # fmt: skip


def number(text: str, why: str) -> Word:
    """A word that is some number, which may be negative."""
    return Word(text, None, (Shape("", "glob", DIGITS), Shape("-", "glob", DIGITS)), False, why)


def double_quoted(text: str) -> Word:
    """A piece of a double-quoted string, its escapes removed."""
    if "\\" not in text:
        return Word(text, text)
    out: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text) and text[position + 1] in '"\\$`\n':
            if text[position + 1] != "\n":
                out.append(text[position + 1])
            position += 2
            continue
        out.append(char)
        position += 1
    return Word(text, "".join(out))


def ansi_c(text: str) -> Word:
    """`$'...'`: certain, but odd where characters are written as codes."""
    body = text[2:-1]
    out: list[str] = []
    position = 0
    odd = ""
    while position < len(body):
        char = body[position]
        if char != "\\" or position + 1 >= len(body):
            out.append(char)
            position += 1
            continue
        code = body[position + 1]
        position += 2
        if code in _SIMPLE_ESCAPES:
            out.append(_SIMPLE_ESCAPES[code])
            continue
        odd = "characters written as codes"
        digits, base, most = {
            "x": ("0123456789abcdefABCDEF", 16, 2),
            "u": ("0123456789abcdefABCDEF", 16, 4),
            "U": ("0123456789abcdefABCDEF", 16, 8),
        }.get(code, ("01234567", 8, 3))
        if base == 8:
            position -= 1
        end = position
        while end < len(body) and end - position < most and body[end] in digits:
            end += 1
        number = int(body[position:end], base) if end > position else 0
        if not 0 < number < 0x80:
            return unknown(text, "characters written as codes")
        out.append(chr(number))
        position = end
    return Word(text, "".join(out), odd=odd or "")


def hidden(parts: list[Word], kinds: list[str]) -> str:
    """How a concatenation hides a plain value: quotes in the middle of a plain word."""
    quoted = {"string", "raw_string", "ansi_c_string"}
    for here, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
        if kind not in quoted or part.value is None:
            continue
        if not part.value:
            return "an empty quotation inside a word"
        before = parts[here - 1].text[-1:] if here and kinds[here - 1] == "word" else ""
        after = parts[here + 1].text[:1] if here + 1 < len(parts) and kinds[here + 1] == "word" else ""
        plain = ALNUM.issuperset(part.value)
        if plain and ((before and before in ALNUM) or (after and after in ALNUM)):
            return "quotes in the middle of a plain word"
        if here and kinds[here - 1] in quoted:
            return "quotes in the middle of a plain word" if plain else ""
    return ""


def has_braces(parts: list[Word], kinds: list[str]) -> bool:
    """Whether pieces of a word make a brace expansion."""
    opened = separated = False
    for part, kind in zip(parts, kinds, strict=True):
        if kind not in {"word", "number"}:
            continue
        text = part.text
        opened = opened or "{" in text
        separated = separated or (opened and ("," in text or ".." in text))
        if opened and separated and "}" in text:
            return True
    return False


def braces(text: str, parts: list[Word]) -> Word:
    """The words that a brace expansion makes, where they can be written out."""
    if any(p.value is None or p.odd for p in parts) or any(c in text for c in "'\"\\$`*?["):
        start = text.split("{", 1)[0]
        return unknown(text, "a brace expansion", start=start if PLAIN.issuperset(start) else "", splits=True)
    expanded = expand(text)
    if expanded is None:
        return unknown(text, "a brace expansion", start=text.split("{", 1)[0], splits=True)
    return Word(text, None, tuple(Shape(e) for e in expanded), True, "a brace expansion")


def expand(text: str) -> list[str] | None:
    """The words of one simple brace expansion, in order."""
    if text.count("{") != 1 or text.count("}") != 1 or text.index("{") > text.index("}"):
        return None
    before, rest = text.split("{", 1)
    middle, after = rest.split("}", 1)
    if "," in middle:
        items = middle.split(",")
    else:
        low, _, high = middle.partition("..")
        if not (low.isdigit() and high.isdigit() and len(low) < 6 and len(high) < 6):
            return None
        first, last = int(low), int(high)
        step = 1 if last >= first else -1
        items = [str(n) for n in range(first, last + step, step)]
    return [before + item + after for item in items] if len(items) <= MOST_SHAPES else None
