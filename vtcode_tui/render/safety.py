"""Foreign text made safe to draw: every control, bidirectional and invisible character becomes visible.

`plain` is for reading (prose, file names, tool output): it keeps what people write, emoji sequences and accents
included. `visible` is for approvals: what it shows, turned back by `invisible`, is exactly the text, and whatever
is not on a short list of honest characters is shown by its number. Line feeds are the only line ends of both.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from vtcode_tui.render.types import TEXT, Span, Style

_OPEN, _CLOSE, _TIMES, _DOT = "⟦", "⟧", "×", "·"


def _ranges(*pairs: tuple[int, int]) -> str:
    return "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in pairs)


# Everything of Unicode's categories Cc, Cf, Cs, Zl and Zp, variation selectors, fillers and noncharacters. A test
# compares this with the Unicode data of the running Python.
_HOSTILE_RANGES = (
    (0x00, 0x08),
    (0x0B, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, 0x110000, 0x10000)),
)
_MARKS = _ranges(
    (0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)
)
_ODD_BLANKS = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F), " ")

_HOSTILE = re.compile(
    f"\r\n|[{_ranges(*_HOSTILE_RANGES)}]"  # what must not be drawn
    f"|(?:^|(?<=\n))[{_MARKS}]+"  # a mark that would sit on whatever stands left of the text
    f"|(?<=[{_MARKS}]{{3}})[{_MARKS}]+"  # a tower of marks
)
_ESCAPED = re.compile(f"{_OPEN}U\\+[0-9A-F]{{4,6}}(?:{_TIMES}[0-9]{{1,5}})?{_CLOSE}|[␀-␟␡]|{_DOT}+(?=\n|\\Z)")


def _name(char: str, count: int = 1) -> str:
    code = ord(char)
    if code < 0x20:
        shown = chr(0x2400 + code)
    elif code == 0x7F:
        shown = "␡"
    else:
        shown = f"{_OPEN}U+{code:04X}{_CLOSE}"
    if count < 4:
        return shown * count
    return f"{_OPEN}U+{code:04X}{_TIMES}{count}{_CLOSE}"


def _is_emoji(char: str) -> bool:
    code = ord(char) if char else 0
    return (
        0x1F000 <= code < 0x1FB00
        or 0x203C <= code <= 0x2BFF
        or code in (0xA9, 0xAE, 0x3030, 0x303D, 0x3297, 0x3299)
    )


def _joins_words(char: str) -> bool:
    return "\u0600" <= char <= "\u08ff" or "\u0900" <= char <= "\u0dff"


def _shown(found: re.Match[str]) -> str:
    what = found.group()
    if what == "\r\n":
        return "\n"
    before = found.string[found.start() - 1 : found.start()]
    after = found.string[found.end() : found.end() + 1]
    match what:
        case "\ufe0e" | "\ufe0f" if _is_emoji(before) or (before and before in "0123456789#*"):
            return what
        case "\u200d" if (_is_emoji(before) or before == "\ufe0f") and _is_emoji(after):
            return what
        case "\u200c" if _joins_words(before) and _joins_words(after):
            return what
        case _:
            return "".join(_name(char) for char in what)


def plain(text: str, *, tab: int = 4) -> str:
    """The text with everything visible that a terminal would obey, reorder or hide; tabs become spaces.

    Line feeds stay; CR LF becomes one. Unusual blanks become spaces. Not reversible: see `visible`.
    """
    if text.isascii() and text.isprintable():
        return text
    if "\t" in text:
        text = text.expandtabs(tab)
    if text.isascii():
        return _HOSTILE.sub(_shown, text) if not text.replace("\n", "").isprintable() else text
    return _HOSTILE.sub(_shown, text).translate(_ODD_BLANKS)


def plain_line(text: str) -> str:
    """`plain` for a place that has one line only (a name, a summary): line feeds are shown as ␊."""
    return plain(text).replace("\n", "␊")


def plain_bytes(data: bytes) -> str:
    """`plain` for bytes that ought to be UTF-8; those that are not are shown as the bytes they are."""
    try:
        return plain(data.decode())
    except UnicodeDecodeError:
        text = data.decode(errors="surrogateescape")
        return plain(_BYTES.sub(lambda found: f"{_OPEN}{ord(found.group()) & 0xFF:02X}{_CLOSE}", text))


_BYTES = re.compile("[\udc80-\udcff]")

# `visible` keeps ASCII and letters, ideographs and symbols that cannot be taken for ASCII. Letters of scripts
# that look like Latin are kept in words of their own. Right-to-left letters are not kept: terminals that reorder
# them would show the command in another order than it runs.
_KEPT = _ranges(
    (0x20, 0x7E),
    (0xC0, 0xD6),
    (0xD8, 0xF6),
    (0xF8, 0x0130),
    (0x0134, 0x0137),
    (0x0139, 0x0148),
    (0x014A, 0x017E),
    (0x1E00, 0x1E99),
    (0x1EA0, 0x1EF9),
    (0x0E01, 0x0E30),
    (0x2014, 0x2014),
    (0x20A0, 0x20A7),
    (0x20A9, 0x20BF),
    (0x2190, 0x21FF),
    (0x2500, 0x259F),
    (0x2600, 0x2757),
    (0x2763, 0x2767),
    (0x2794, 0x27BF),
    (0x3001, 0x3002),
    (0x3041, 0x3096),
    (0x30A1, 0x30FA),
    (0x30FC, 0x30FE),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0x1F300, 0x1F3FA),
    (0x1F400, 0x1F64F),
    (0x1F680, 0x1F6D7),
    (0x1F900, 0x1F9FF),
)
_LATIN = "A-Za-z0-9_" + _ranges((0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x017E))
_SIMILAR = _ranges(
    (0x0391, 0x03A1), (0x03A3, 0x03C9), (0x0400, 0x0482), (0x048A, 0x0513), (0x0531, 0x0556), (0x0561, 0x0586)
)
_LOOKS_LATIN = frozenset("АВЕЗКМНОРСТУХЅІЈԌԚԜҮаеорсухѕіјһԁԛԝѵүәґгΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιικνορτυχωγՕՍԼՏհոսցօզԱ")
_STRICT = re.compile(
    "(?P<blanks> {16,99999})"
    r"|(?P<trailing> +(?=\n|\Z))"
    "|(?P<feeds>\n{5,99999})"
    f"|(?P<word>[{_LATIN}]*[{_SIMILAR}][{_LATIN}{_SIMILAR}]*)"
    f"|(?P<hostile>(?P<char>[^\n{_KEPT}])(?P=char){{0,99998}})"
)
_HAS_LATIN = re.compile(f"[{_LATIN}]")
_IS_SIMILAR = re.compile(f"[{_SIMILAR}]")


def _strictly(found: re.Match[str]) -> str:
    what = found.group()
    match found.lastgroup:
        case "trailing":
            return _DOT * len(what)
        case "word":
            if not _HAS_LATIN.search(what) and not _LOOKS_LATIN.issuperset(what):
                return what
            return _IS_SIMILAR.sub(lambda letter: _name(letter.group()), what)
        case _:
            return _name(what[0], len(what))


def visible(text: str) -> str:
    """The text as an approval shows it; `invisible` turns it back, byte for byte, whatever the text was.

    Line feeds stay line feeds (five and more in a row are counted), trailing blanks are dots, control characters
    are their pictures, and whatever could be taken for something else is `⟦U+XXXX⟧`, repeated `⟦U+XXXX×N⟧`.
    """
    return _STRICT.sub(_strictly, text)


_BACK = re.compile(f"{_OPEN}U\\+([0-9A-F]{{4,6}})(?:{_TIMES}([0-9]{{1,5}}))?{_CLOSE}|[␀-␟␡{_DOT}]")


def _honest(found: re.Match[str]) -> str:
    code, count = found.groups()
    if code is not None:
        return chr(int(code, 16)) * int(count or 1) if int(code, 16) < 0x110000 else found.group()
    match found.group():
        case "·":
            return " "
        case "␡":
            return "\x7f"
        case picture:
            return chr(ord(picture) - 0x2400)


def invisible(shown: str) -> str:
    """The text that `visible` was given."""
    return _BACK.sub(_honest, shown)


def spans_of(text: str, style: Style = TEXT) -> tuple[Span, ...]:
    """Text that went through `plain` or `visible`, cut so that what was made visible stands out."""
    if text.isascii():
        return (Span(text, style),) if text else ()
    spans: list[Span] = []
    end = 0
    for found in _ESCAPED.finditer(text):
        if found.start() > end:
            spans.append(Span(text[end : found.start()], style))
        spans.append(Span(found.group(), style._replace(name="escape")))
        end = found.end()
    if end < len(text):
        spans.append(Span(text[end:], style))
    return tuple(spans)


_LINK = re.compile(r"[!-~]{1,2000}")
# Nothing that goes on in another script: of an address made to look like another one no half becomes a link.
_BARE = re.compile(
    r"(?<![\w/.@-])https?://(?:\[[0-9a-fA-F:.]+\])?[\w.~:/?#@!$&'()*+,;=%-]++(?![^\x00-\x7f])", re.ASCII
)


def _address(found: str) -> str:
    """A bare address without what belongs to the sentence around it."""
    while (last := found[-1]) in ".,;:!?'*" or (last == ")" and found.count(")") > found.count("(")):
        found = found[:-1]
    return found


def linked(text: str, style: Style = TEXT) -> tuple[Span, ...]:
    """As `spans_of`, with http and https addresses that stand in the text as links to themselves."""
    if "://" not in text or style.link:
        return spans_of(text, style)
    spans: list[Span] = []
    end = 0
    for found in _BARE.finditer(text):
        address = _address(found.group())
        if link_target(address) and not address.endswith("://"):
            spans += spans_of(text[end : found.start()], style)
            spans.append(Span(address, style._replace(name="link", underline=True, link=address)))
            end = found.start() + len(address)
    return (*spans, *spans_of(text[end:], style))


def link_target(url: str) -> str:
    """The URL if it may be a terminal link: http, https, mailto or file, printable ASCII; otherwise nothing."""
    if not _LINK.fullmatch(url):
        return ""
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        return ""
    return url if scheme in {"http", "https", "mailto", "file"} else ""
