"""Our system-call filters held against two other readings of the same tables: their plain meaning, and libseccomp.

pyseccomp, and with it libseccomp, is the referee: somebody else's compiler, which shares no line with ours.
"""

from __future__ import annotations

import itertools
import os
import platform
from typing import Any

from vtcode_tui.sandbox import filters
from vtcode_tui.sandbox.assembler import ALLOW, ENOSYS, Program, Test
from vtcode_tui.sandbox.capability import Finding
from vtcode_tui.sandbox.selftest.interpreter import decide

_TELLING = (0, 1, 2, 16, 0x5412, 0x10000011, 0o4755, 0xFFFFFFFF, 1 << 32 | 2)
"""Values of arguments that some rule looks at, and such as none does."""


def compare() -> Finding:
    """Whether every filter of this machine decides as libseccomp's does, call by call."""
    name = "libseccomp"
    try:
        referee()
    except (ImportError, RuntimeError):
        return Finding(name, True, "not here to compare our filters with, and not needed")
    machine = platform.machine()
    if machine not in filters.MACHINES:
        return Finding(name, False, f"system calls of {machine} are not known here")
    arch, numbers = filters.MACHINES[machine]
    compared = 0
    for full, debug in itertools.product((True, False), repeat=2):
        ours = filters.compile_filters(full=full, debug=debug)
        calls = filters.table(numbers, full=full, debug=debug, signals=False)
        for program, code in zip((filters.NUMBERS_ALLOWED, calls), ours, strict=True):
            theirs = by_libseccomp(program)
            for number in sorted({*program.rules, *range(0, 600, 13)}):
                for value in _TELLING:
                    given = (value,) * 6
                    compared += 1
                    if decide(code, number, given, arch) != decide(theirs, number, given, arch):
                        return Finding(name, False, f"system call {number} with {value:#x} is decided otherwise")
    return Finding(name, True, f"decides {compared:,} calls as our filters do")


def referee() -> Any:
    """pyseccomp. Raises ImportError or RuntimeError where it, or libseccomp, is not installed."""
    import pyseccomp  # looks for the library when it is imported

    return pyseccomp


def means(program: Program, number: int, arguments: tuple[int, ...]) -> int:
    """The answer as the table reads."""
    ways = program.rules.get(number, ())
    return (
        program.action if any(all(_holds(test, arguments) for test in way) for way in ways) else program.otherwise
    )


def _holds(test: Test, arguments: tuple[int, ...]) -> bool:
    given = arguments[test.argument]
    if test.whole:
        return given != 0
    return (given & test.mask in test.values) == test.inside


def by_libseccomp(program: Program, machine: str = "") -> bytes:
    """The same table compiled by libseccomp, for this machine or another: it has no "other than", so values are
    enumerated. For another machine it takes names, not numbers."""
    pyseccomp = referee()
    names = {number: name for name, number in filters.MACHINES[machine][1].items()} if machine else {}
    actions = {ALLOW: pyseccomp.ALLOW, ENOSYS: pyseccomp.ERRNO(38), 0x7FC00000: pyseccomp.NOTIFY}
    made = pyseccomp.SyscallFilter(actions[program.otherwise])
    made.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    if machine:
        made.add_arch(getattr(pyseccomp.Arch, machine.upper()))
        made.remove_arch(pyseccomp.Arch.NATIVE)
    for number, ways in program.rules.items():
        for way in ways:
            for tests in itertools.product(*(_enumerated(test) for test in way)):
                made.add_rule(actions[program.action], names.get(number, number), *_joined(tests))
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        made.export_bpf(file)
    with os.fdopen(reader, "rb") as file:
        return file.read()


_Masked = tuple[int, int, int]
"""Argument, mask and value; a mask of 0 means "not null"."""


def _enumerated(test: Test) -> list[_Masked]:
    if test.whole:
        return [(test.argument, 0, 0)]
    if test.inside:
        return [(test.argument, test.mask, value) for value in test.values]
    bits = [1 << n for n in range(32) if test.mask >> n & 1]
    if test.values == (0,):
        return [(test.argument, bit, bit) for bit in bits]
    # All values of the low bits but those, and anything with a higher bit.
    low = sum(bit for bit in bits if bit < 64)
    small = [value for value in range(64) if value & low == value and value not in test.values]
    exact = [(test.argument, test.mask, value) for value in small]
    return exact + [(test.argument, bit, bit) for bit in bits if bit >= 64]


def _joined(tests: tuple[_Masked, ...]) -> list[object]:
    """One comparison for each argument, which is all that libseccomp takes."""
    pyseccomp = referee()
    found: dict[int, tuple[int, int]] = {}
    for argument, mask, value in tests:
        before = found.get(argument, (0, 0))
        found[argument] = before[0] | mask, before[1] | value
    return [
        pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)
        if mask
        else pyseccomp.Arg(argument, pyseccomp.NE, 0)
        for argument, (mask, value) in found.items()
    ]
