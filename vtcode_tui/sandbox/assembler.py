"""From a table of system calls to the bytes of a seccomp program (classic BPF), for any machine on any machine.

libseccomp, by way of pyseccomp, falls short here: it is not installed everywhere, it takes 45 to 730 ms for one of
our programs, it finds numbers by name and so knows neither the newest calls nor another machine's, and it silently
drops a conditional rule beside an unconditional one. What this makes needs none of it and takes a millisecond; the
tests hold it against libseccomp, call by call, with an interpreter of the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALLOW, NOTIFY, ENOSYS, KILL_PROCESS = 0x7FFF0000, 0x7FC00000, 0x00050000 | 38, 0x80000000
AUDIT_X86_64, AUDIT_AARCH64 = 0xC000003E, 0xC00000B7
_X32 = 0x40000000
_SKIPPED = 0xFFFFFFFF
"""The number that a tracer sets to skip a call: nothing is carried out for it."""

_LOAD, _AND, _JUMP, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_LONGEST = 4096
"""Instructions that the kernel takes."""


@dataclass(frozen=True, slots=True)
class Test:
    """Whether `argument & mask` is one of `values`, or (`inside` false) none of them.

    Masks have 32 bits, as much as the kernel itself looks at in the calls that are filtered here; `whole` looks at
    all 64 bits of a pointer and knows one test only: that it is not null.
    """

    argument: int
    mask: int = 0xFFFFFFFF
    values: tuple[int, ...] = ()
    inside: bool = True
    whole: bool = False


Rules = Mapping[int, Sequence[tuple[Test, ...]]]
"""By the number of a call, the ways it can match: all tests of one way must hold; no test holds always."""


@dataclass(frozen=True, slots=True)
class Program:
    """`action` for calls that match, `otherwise` for the rest; callers of other ABIs are killed."""

    rules: Rules
    action: int
    otherwise: int


def assemble(program: Program, arch: int) -> bytes:
    """The program for a machine (an AUDIT_ARCH value). Raises ValueError where it grows too long for the kernel."""
    code = _Code()
    code.add(_LOAD, _ARCH)
    code.unless(_EQUAL, arch, KILL_PROCESS)
    code.add(_LOAD, _NUMBER)
    if arch == AUDIT_X86_64:
        code.add(_EQUAL, _SKIPPED, 2, 0)
        code.when(_AT_LEAST, _X32, KILL_PROCESS)
    code.search(_ranges(program.rules), program)
    return code.bytes()


_Range = tuple[int, int, tuple[tuple[Test, ...], ...]]


def _ranges(rules: Rules) -> list[_Range]:
    """Neighbouring numbers with the same ways as one entry."""
    found: list[_Range] = []
    for number in sorted(rules):
        ways = tuple(rules[number])
        if found and found[-1][1] == number - 1 and found[-1][2] == ways:
            found[-1] = (found[-1][0], number, ways)
        else:
            found.append((number, number, ways))
    return found


class _Code:
    """Instructions; a jump by label is filled in at the end, since a condition reaches 255 instructions only."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, int, int, int]] = []
        self._labels: dict[int, int] = {}
        self._made = 0

    def add(self, operation: int, value: int, yes: int = 0, no: int = 0) -> None:
        self._lines.append((operation, yes, no, value))

    def when(self, condition: int, value: int, answer: int) -> None:
        """Answer if the condition holds, go on otherwise."""
        self.add(condition, value, 0, 1)
        self.add(_RETURN, answer)

    def unless(self, condition: int, value: int, answer: int) -> None:
        """Answer if the condition does not hold, go on otherwise."""
        self.add(condition, value, 1, 0)
        self.add(_RETURN, answer)

    def label(self) -> int:
        self._made += 1
        return self._made

    def jump(self, label: int) -> None:
        self.add(_JUMP, -label)

    def place(self, label: int) -> None:
        self._labels[label] = len(self._lines)

    def search(self, entries: list[_Range], program: Program) -> None:
        """Find the entry of the number that is loaded, by halves."""
        if len(entries) <= 1:
            for low, high, ways in entries:
                self.unless(_AT_LEAST, low, program.otherwise)
                self.when(_GREATER, high, program.otherwise)
                self.ways(ways, program.action)
            self.add(_RETURN, program.otherwise)
            return
        middle = len(entries) // 2
        upper = self.label()
        self.add(_AT_LEAST, entries[middle][0], 0, 1)
        self.jump(upper)
        self.search(entries[:middle], program)
        self.place(upper)
        self.search(entries[middle:], program)

    def ways(self, ways: Sequence[tuple[Test, ...]], answer: int) -> None:
        """Answer if one of the ways matches, go on otherwise."""
        if any(not way for way in ways):
            self.add(_RETURN, answer)
            return
        by_first: dict[Test, list[tuple[Test, ...]]] = {}
        for way in ways:
            by_first.setdefault(way[0], []).append(way[1:])
        for test, rest in by_first.items():
            otherwise = self.label()
            self._test(test, otherwise)
            self.ways(rest, answer)
            self.place(otherwise)

    def _test(self, test: Test, otherwise: int) -> None:
        """Go on if the test holds, to `otherwise` if not."""
        low = _ARGUMENTS + 8 * test.argument
        if test.whole:
            self.add(_LOAD, low)
            self.add(_EQUAL, 0, 0, 3)
            self.add(_LOAD, low + 4)
            self.add(_EQUAL, 0, 0, 1)
            self.jump(otherwise)
            return
        self.add(_LOAD, low)
        if test.mask != 0xFFFFFFFF:
            self.add(_AND, test.mask)
        holds = self.label()
        for value in test.values:
            self.add(_EQUAL, value, 0, 1)
            self.jump(holds if test.inside else otherwise)
        if test.inside:
            self.jump(otherwise)
        self.place(holds)

    def bytes(self) -> bytes:
        if len(self._lines) > _LONGEST:
            raise ValueError(f"a seccomp program of {len(self._lines)} instructions is longer than {_LONGEST}")
        made = []
        for at, (operation, yes, no, value) in enumerate(self._lines):
            if operation == _JUMP:
                value = self._labels[-value] - at - 1
            made.append(struct.pack("=HBBI", operation, yes, no, value))
        return b"".join(made)
