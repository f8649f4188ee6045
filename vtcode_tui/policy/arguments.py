"""Reads a command's words by its description: options, the values that belong to them, arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vtcode_tui.policy.description import COMMAND_ROLES, Description, Option, Slot
from vtcode_tui.policy.finding import Finding
from vtcode_tui.policy.words import Word, joined, literal, unknown


@dataclass(frozen=True, slots=True)
class Value:
    """A word in its role; `label` is the option or the argument's name."""

    slot: Slot
    word: Word
    label: str


@dataclass(frozen=True, slots=True)
class Executed:
    """A command that is run for what is found: `{}` stands for one path, or for `several` at once."""

    option: str
    words: tuple[Word, ...]
    several: bool


@dataclass(slots=True)
class Reading:
    """What a command line says, by one description. `inner` are the words of a command that it runs."""

    description: Description
    chain: tuple[str, ...]
    used: dict[str, Option] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)
    arguments: list[Word] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    inner: list[tuple[Word, ...]] = field(default_factory=list)
    execs: list[Executed] = field(default_factory=list)
    outer: Reading | None = None

    @property
    def harmless(self) -> bool:
        """Whether an option says that nothing is done but printing, and no other option is there to disturb it."""
        layer: Reading | None = self
        options: list[Option] = []
        while layer is not None:
            options.extend(layer.used.values())
            layer = layer.outer
        plain = all(w.value is not None for w in self.arguments)
        known = not any(f.name in {"undescribed", "abbreviated"} for f in self.found)
        return bool(options) and plain and known and all(o.harmless for o in options) and not self.inner

    def prompt(self, detail: str, name: str = "undescribed") -> None:
        """Note something that the description does not cover."""
        self.found.append(Finding(name, "prompt", detail))


def read(words: Sequence[Word], description: Description) -> Reading:
    """Read the words that follow a program's name."""
    reading = Reading(description, (description.name,))
    return _read(list(words), reading)


def _read(words: list[Word], reading: Reading) -> Reading:
    described = reading.description
    rest = _Options(words, reading).run()
    if described.subs:
        return _sub(rest, reading)
    reading.arguments = rest
    _assign(reading)
    return reading


def _sub(rest: list[Word], reading: Reading) -> Reading:
    described = reading.description
    if not rest:
        return reading
    name = rest[0].value
    if name is None:
        reading.prompt(f"the sub-command {rest[0].text} is not certain: {rest[0].why}")
        reading.values.extend(Value(Slot("any"), w, "argument") for w in rest)
        return reading
    if rest[0].odd:
        reading.prompt(f"the sub-command {rest[0].text}: {rest[0].odd}", "disguise")
    sub = described.subs.get(name)
    if sub is None:
        if described.arguments:
            reading.arguments = rest
            _assign(reading)
            return reading
        reading.prompt(f"{' '.join(reading.chain)} has no described sub-command {name}")
        reading.arguments = rest[1:]
        reading.values.extend(Value(Slot("any"), w, "argument") for w in rest[1:])
        return reading
    inner = Reading(sub, (*reading.chain, name), outer=reading)
    inner.found = reading.found
    return _read(rest[1:], inner)


_SEVERAL = frozenset({"-X", "--exec-batch"})


class _Options:
    """One pass over the words, separating options from arguments."""

    def __init__(self, words: list[Word], reading: Reading) -> None:
        self.words = words
        self.reading = reading
        self.described = reading.description
        self.at = 0

    def run(self) -> list[Word]:
        """Take every option; return the arguments."""
        rest: list[Word] = []
        style = self.described.style
        if style == "plain":
            return self.words
        if self.described.bundle and self.words and (first := self.words[0]).value and not first.odd:
            text = first.value or ""
            if self.described.bundle.issuperset(text):
                self.at = 1
                self._bundle(text)
        while self.at < len(self.words):
            word = self.words[self.at]
            if word.value == "--":
                rest.extend(self.words[self.at + 1 :])
                break
            if not self._looks(word):
                if self.described.stops:
                    rest.extend(self.words[self.at :])
                    break
                rest.append(word)
                self.at += 1
                continue
            self.at += 1
            if not self._one(word):
                rest.append(word)
        return rest

    def _looks(self, word: Word) -> bool:
        if word.value is not None and self.described.style == "words":
            options = self.described.options
            return (
                word.value in options
                or word.value.startswith("-")
                or f"{word.value.partition('=')[0]}=*" in options
            )
        if word.value in {"-", "--"}:
            return False
        if word.value and word.value[0] == "+" and word.value in self.described.options:
            return True
        return word.may_be_option

    def _one(self, word: Word) -> bool:
        """Take one option; False if it turns out to be an argument that may be taken for one."""
        start = word.start
        if word.odd and not self.described.unsure and not (self.described.style == "gnu" and self._glued(start)):
            self.reading.prompt(f"{word.text}: {word.odd}", "disguise")
        if word.value is None and not (start.startswith("--") and "=" in start) and not self._glued(start):
            if not self.described.unsure or start.startswith("-"):
                self.reading.prompt(f"{word.text} may become an option: {word.why}", "uncertain")
            return False
        if self.described.style == "words":
            return self._whole(word, start)
        if start.startswith("--"):
            return self._long(word, start)
        if start in self.described.options:
            self._take(self.described.options[start], start, None)
            return True
        name, equals, _ = start.partition("=")
        if equals and len(name) > 2 and name in self.described.options:
            self._take(self.described.options[name], name, word.after(len(name) + 1))
            return True
        if start[1:].isdigit() and "-NUM" in self.described.options:
            self._take(self.described.options["-NUM"], "-NUM", None)
            return True
        return self._cluster(word, start[1:])

    def _glued(self, start: str) -> bool:
        option = self.described.options.get(start[:2])
        return len(start) >= 2 and not start.startswith("--") and option is not None and bool(option.slots)

    def _whole(self, word: Word, start: str) -> bool:
        options = self.described.options
        name, equals, _ = start.partition("=")
        for candidate in (name, name[1:] if name.startswith("--") else f"-{name}"):
            option = options.get(candidate)
            if option is not None:
                self._take(option, candidate, word.after(len(name) + 1) if equals else None)
                return True
        for length in range(len(start), 1, -1):
            option = options.get(start[:length] + "*")
            if option is not None:
                self._take(
                    option, start[:length] + "*", word.after(length) if _valued(start, length, option) else None
                )
                return True
        self.reading.prompt(f"{' '.join(self.reading.chain)}: the option {start} is not described")
        self.reading.values.append(Value(Slot("any"), word, start))
        return True

    def _long(self, word: Word, start: str) -> bool:
        name, equals, _ = start.partition("=")
        value = word.after(len(name) + 1) if equals else None
        option = self.described.options.get(name) or self._beginning(name)
        if option is None:
            close = sorted(n for n in self.described.options if n.startswith(name))
            if close:
                self.reading.prompt(f"{name} is short for {' or '.join(close[:3])}", "abbreviated")
                for match in {id(self.described.options[n]): self.described.options[n] for n in close}.values():
                    if match.verdict != "allow":
                        self._take(match, name, value)
            else:
                self.reading.prompt(f"{' '.join(self.reading.chain)}: the option {name} is not described")
            if value is not None:
                self.reading.values.append(Value(Slot("any"), value, name))
            return True
        self._take(option, name, value)
        return True

    def _beginning(self, name: str) -> Option | None:
        """An option described by its beginning (`--enable-*`)."""
        for length in range(len(name), 3, -1):
            option = self.described.options.get(name[:length] + "*")
            if option is not None:
                return option
        return None

    def _cluster(self, word: Word, letters: str) -> bool:
        for position, letter in enumerate(letters):
            name = f"-{letter}"
            option = self.described.options.get(name)
            if option is None:
                self.reading.prompt(f"{' '.join(self.reading.chain)}: the option {name} is not described")
                self.reading.values.append(Value(Slot("any"), word.after(1 + position), name))
                return True
            if option.slots or option.glued:
                more = position + 1 < len(letters) or word.value is None
                self._take(option, name, word.after(position + 2) if more else None)
                return True
            self._take(option, name, None)
        return True

    def _bundle(self, letters: str) -> None:
        for letter in letters:
            self._take(self.described.options[f"-{letter}"], f"-{letter}", None)

    def _take(self, option: Option, name: str, value: Word | None) -> None:
        reading = self.reading
        reading.used[name] = option
        if option.verdict != "allow":
            reading.found.append(Finding("option", option.verdict, f"{name}: {option.why or 'needs a person'}"))
        for position, slot in enumerate(option.slots):
            if slot.role == "exec":
                self._exec(name, value)
                return
            if slot.role in COMMAND_ROLES:
                words = self.words[self.at :] if value is None else [value, *self.words[self.at :]]
                self.at = len(self.words)
                _command(reading, slot, words)
                return
            if position == 0 and value is not None:
                reading.values.append(Value(slot, value, name))
                continue
            if option.glued:
                return
            if self.at >= len(self.words):
                return
            word = self.words[self.at]
            if word.splits and word.value is None:
                reading.prompt(f"{word.text} may become several words: {word.why}", "uncertain")
            reading.values.append(Value(slot, word, name))
            self.at += 1
        if value is not None and not option.slots:
            reading.values.append(Value(Slot("any"), value, name))

    def _exec(self, name: str, value: Word | None) -> None:
        words: list[Word] = [] if value is None else [value]
        several = name in _SEVERAL
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            if word.value == ";":
                break
            if word.value == "+" and words and words[-1].value == "{}":
                several = True
                break
            words.append(word)
        if self.described.appends and not any(w.value and "{" in w.value for w in words):
            words.append(literal("{}"))
        self.reading.execs.append(Executed(name, tuple(words), several))


def _valued(start: str, length: int, option: Option) -> bool:
    """`if=*` has its value behind it; of `-newer*` the rest belongs to the name."""
    return start[length - 1] == "=" or (option.glued and length < len(start))


def _assign(reading: Reading) -> None:
    """Give every argument its slot."""
    words = reading.arguments
    if not words:
        return
    used = reading.used
    slots = [
        s
        for s in reading.description.arguments
        if (not s.when or not s.when.isdisjoint(used)) and (not s.unless or s.unless.isdisjoint(used))
    ]
    position = 0
    for index, slot in enumerate(slots):
        if position == len(words):
            return
        if slot.role in COMMAND_ROLES:
            _command(reading, slot, words[position:])
            return
        after = slots[index + 1 :]
        if not after:
            end = len(words) if slot.repeats else position + 1
        elif slot.repeats:
            trailing = (
                0 if any(s.role in COMMAND_ROLES for s in after) else len([s for s in after if not s.optional])
            )
            end = max(position, len(words) - trailing)
        else:
            needed = len([s for s in after if not s.optional and s.role not in COMMAND_ROLES and not s.repeats])
            if slot.optional and len(words) - position <= needed:
                continue
            end = position + 1
        for word in words[position:end]:
            reading.values.append(Value(slot, word, slot.name or slot.role))
            if word.splits and word.value is None:
                reading.values.extend(
                    Value(s, word, s.name or s.role) for s in after if s.role not in COMMAND_ROLES
                )
        position = end
    if position < len(words):
        extra = words[position]
        reading.prompt(f"{' '.join(reading.chain)}: the argument {extra.text} is not described")
        reading.values.extend(Value(Slot("any"), w, "argument") for w in words[position:])


def _command(reading: Reading, slot: Slot, words: list[Word]) -> None:
    if slot.role == "assign":
        while words and words[0].start.partition("=")[0].replace("_", "a").isalnum() and "=" in words[0].start:
            reading.values.append(Value(slot, words[0], "variable"))
            words = words[1:]
    if words and slot.role == "module":
        name = words[0]
        words = [
            Word(name.text, f"python:{name.value}" if name.value else None, why=name.why, odd=name.odd),
            *words[1:],
        ]
    if words:
        reading.inner.append(tuple(words))


def replaced(words: Sequence[Word], braces: Word, mark: str = "{}") -> tuple[Word, ...]:
    """A command with `mark` replaced, wherever it stands, by what was found."""
    return tuple(_replaced(word, braces, mark) for word in words)


def _replaced(word: Word, braces: Word, mark: str) -> Word:
    if word.value is None:
        # A glob that matches a name with the mark in it is another word again once that is replaced.
        hidden = any(mark in shape.start + shape.pattern for shape in word.shapes)
        return unknown(word.text, braces.why, splits=word.splits) if hidden else word
    if mark not in word.value:
        return word
    if word.value == mark:
        return braces
    parts: list[Word] = []
    for number, piece in enumerate(word.value.split(mark)):
        parts += [braces] * bool(number) + [literal(piece)] * bool(piece)
    return joined(word.text, parts)
