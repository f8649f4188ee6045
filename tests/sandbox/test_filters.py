from __future__ import annotations

import itertools
import os
import platform
import struct
from dataclasses import replace
from typing import Any

import pyseccomp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox import filters
from vtcode_tui.sandbox.inner.numbers import AARCH64, X86_64
from vtcode_tui.sandbox.selftest.interpreter import ALLOW, ERRNO, I386, KILL, NOTIFY, decide
from vtcode_tui.sandbox.selftest.referee import by_libseccomp, compare, means

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the tables below are those of x86_64")

HIGH = 1 << 32
N = X86_64
SOCKET, SOCKETPAIR, IOCTL, CLONE = N["socket"], N["socketpair"], N["ioctl"], N["clone"]


def _answer(number: int, *arguments: int, full: bool = False, debug: bool = False, arch: int = 0) -> int:
    """The stricter of the two programs, as the kernel combines them."""
    first, second = filters.compile_filters(full=full, debug=debug)
    order = (KILL, ERRNO, NOTIFY, ALLOW)
    given_arch = {"arch": arch} if arch else {}
    answers = [decide(code, number, arguments, **given_arch)[0] for code in (first, second)]
    return min(answers, key=order.index)


@pytest.mark.parametrize("name", sorted(set(filters.REFUSED) & set(N)))
@pytest.mark.parametrize("full", [True, False])
def test_a_refused_call_goes_to_the_notifier_or_does_not_exist(name: str, full: bool) -> None:
    assert _answer(N[name], full=full) in (NOTIFY, ERRNO)


@pytest.mark.parametrize(
    ("number", "arguments", "expected"),
    [
        (SOCKET, (2, 3, 1), NOTIFY),
        (SOCKET, (2 | HIGH, 2, 0), NOTIFY),
        (SOCKET, (10, 2, 0), NOTIFY),
        (SOCKET, (1, 1, 0), ALLOW),
        (SOCKET, (1, 1 | 0o2000000 | 0o4000, 0), ALLOW),
        (SOCKET, (1, 5, 0), ALLOW),
        (SOCKET, (1, 2, 0), NOTIFY),
        (SOCKET, (1, 2 | HIGH, 0), NOTIFY),
        (SOCKET, (1, 3, 0), NOTIFY),
        (SOCKET, (16, 3, 0), NOTIFY),
        (SOCKET, (40, 1, 0), NOTIFY),
        (SOCKET, (64, 1, 0), NOTIFY),
        (SOCKET, (0x80000001, 1, 0), NOTIFY),
        (SOCKETPAIR, (1, 1, 0), ALLOW),
        (SOCKETPAIR, (1, 2, 0), NOTIFY),
        (SOCKETPAIR, (16, 3, 0), NOTIFY),
        (IOCTL, (0, 0x5412), NOTIFY),
        (IOCTL, (0, 0x5412 | HIGH), NOTIFY),
        (IOCTL, (0, 0x5413), ALLOW),
        (CLONE, (17,), ALLOW),
        (CLONE, (0x10000000 | 17,), NOTIFY),
        (CLONE, (0x00020000 | 17,), NOTIFY),
        (N["clone3"], (), ERRNO),
        (437, (), ERRNO),
        (463, (), ERRNO),
        (1000, (), ERRNO),
        (0x40000000 | 39, (), KILL),
        (N["connect"], (), NOTIFY),
        (N["bind"], (), NOTIFY),
        (N["listen"], (), NOTIFY),
        (N["ptrace"], (), NOTIFY),
        (N["chmod"], (0, 0o755), NOTIFY),
        (N["utimensat"], (), NOTIFY),
        (IOCTL, (0, 0x40086602), NOTIFY),
        (IOCTL, (0, 0x40086604), NOTIFY),
        (IOCTL, (0, 0x40047211), NOTIFY),
        (IOCTL, (0, 0x40806685), NOTIFY),
        (IOCTL, (0, 0x800C6613 | HIGH), NOTIFY),
        (IOCTL, (0, 0x5000940E), NOTIFY),
        (IOCTL, (0, 0x40049409), ALLOW),
        (IOCTL, (0, 0xC0189436), ALLOW),
        (N["openat"], (0, 0, os.O_CREAT, 0o4755), NOTIFY),
        (N["openat"], (0, 0, os.O_CREAT, 0o755), ALLOW),
        (N["openat"], (0, 0, os.O_RDONLY, 0o4755), ALLOW),
        (N["personality"], (0x40000,), NOTIFY),
        (N["personality"], (0x40000 | HIGH,), NOTIFY),
        (N["personality"], (0xFFFFFFFF,), ALLOW),
        (N["prlimit64"], (0, 7, 1), ALLOW),
        (N["prlimit64"], (0, 4, 0), ALLOW),
        (N["prlimit64"], (0, 4, 1), NOTIFY),
        (N["prlimit64"], (0, 4 | HIGH, 1), NOTIFY),
        (N["setrlimit"], (4, 1), NOTIFY),
        (N["setrlimit"], (7, 1), ALLOW),
        (N["prlimit64"], (77, 7, 0), ALLOW),
        (N["prlimit64"], (77, 7, 1), NOTIFY),
        (N["seccomp"], (1, 8), NOTIFY),
        (N["seccomp"], (1, 0), ALLOW),
        (N["fcntl"], (3, 1024, 0), NOTIFY),
        (N["fcntl"], (3, 1024 | HIGH, 0), NOTIFY),
        (N["fcntl"], (3, 1030, 0), ALLOW),
        (N["renameat2"], (0, 0, 0, 0, 4), NOTIFY),
        (N["renameat2"], (0, 0, 0, 0, 2), ALLOW),
        (N["setpriority"], (2, 0, 19), NOTIFY),
        (N["setpriority"], (2 | HIGH, 0, 19), NOTIFY),
        (N["setpriority"], (0, 0, 19), ALLOW),
        (N["setpriority"], (0, 77, 19), NOTIFY),
        (N["ioprio_set"], (3, 0, 0), NOTIFY),
        (N["ioprio_set"], (1, 0, 0), ALLOW),
        (N["shmget"], (), NOTIFY),
        (N["inotify_add_watch"], (), ALLOW),
        (0, (), ALLOW),
        (59, (), ALLOW),
    ],
)
def test_what_tier_kernel_decides(number: int, arguments: tuple[int, ...], expected: int) -> None:
    assert _answer(number, *arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((2, 1, 0), ALLOW), ((2, 1, 6), ALLOW), ((2, 1, 262), NOTIFY), ((2, 2, 0), NOTIFY), ((10, 1, 132), NOTIFY)],
)
def test_tier_kernel_has_tcp_and_nothing_else(arguments: tuple[int, ...], expected: int) -> None:
    assert _answer(SOCKET, *arguments) == expected
    assert _answer(N["sendto"], 0, 0, 0, 0x20000000) == NOTIFY
    assert _answer(N["sendmsg"], 0, 0, 0x20000000 | HIGH) == NOTIFY
    assert _answer(N["sendto"], 0, 0, 0, 0x4000) == ALLOW


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((2, 1, 0), ALLOW), ((2, 2, 0), ALLOW), ((2, 3, 1), NOTIFY), ((10, 3, 58), NOTIFY), ((17, 3, 0), NOTIFY)],
)
def test_tier_full_has_loopback_sockets_but_none_that_are_raw(arguments: tuple[int, ...], expected: int) -> None:
    assert _answer(SOCKET, *arguments, full=True) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("chmod", (0, 0o4755), NOTIFY),
        ("chmod", (0, 0o755), ALLOW),
        ("fchmod", (0, 0o2755), NOTIFY),
        ("fchmodat", (0, 0, 0o6755), NOTIFY),
        ("utimensat", (), ALLOW),
    ],
)
def test_tier_full_leaves_metadata_to_its_mounts_but_makes_no_set_id_file(
    name: str, arguments: tuple[int, ...], expected: int
) -> None:
    assert _answer(N[name], *arguments, full=True) == expected


def test_shared_memory_of_its_own_is_fine_in_tier_full() -> None:
    assert _answer(N["shmget"], full=True) == ALLOW


def test_the_debug_profile_may_trace() -> None:
    assert _answer(N["ptrace"], debug=True) == ALLOW


VARIANTS: list[dict[str, Any]] = [
    {"full": full, "debug": debug, "signals": signals}
    for full, debug, signals in itertools.product((True, False), repeat=3)
]
INTERESTING = st.one_of(
    st.sampled_from([0, 1, 2, 5, 6, 10, 16, 40, 64, 262, 0x5412, 0o4755, 0o100, 0xFFFFFFFF, HIGH, HIGH | 2]),
    st.integers(0, 63),
    st.integers(0, 31).map(lambda bit: 1 << bit),
    st.integers(0, (1 << 64) - 1),
)
ARGUMENTS = st.tuples(*[INTERESTING] * 6)


@pytest.mark.parametrize("machine", filters.MACHINES)
@given(variant=st.sampled_from(VARIANTS), data=st.data())
def test_the_bytes_decide_what_the_table_says(machine: str, variant: dict[str, Any], data: st.DataObject) -> None:
    arch, numbers = filters.MACHINES[machine]
    programs = (filters.NUMBERS_ALLOWED, filters.table(numbers, **variant))
    known = st.one_of(st.sampled_from(sorted(programs[1].rules)), st.integers(0, 600))
    number, arguments = data.draw(known), data.draw(ARGUMENTS)
    for program, code in zip(programs, filters.compile_filters(**variant, machine=machine), strict=True):
        action, more = decide(code, number, arguments, arch)
        assert action | more == means(program, number, arguments)


@pytest.fixture(scope="module")
def judged() -> dict[int, tuple[bytes, bytes]]:
    """Each variant of F2 as libseccomp compiles it, beside ours."""
    pairs = {}
    for at in (0, 2, 4, 5, 7):
        variant = VARIANTS[at]
        ours = filters.compile_filters(**variant)[1]
        pairs[at] = (by_libseccomp(filters.table(filters.MACHINES["x86_64"][1], **variant)), ours)
    return pairs


@given(data=st.data())
def test_the_bytes_decide_what_libseccomp_would(
    judged: dict[int, tuple[bytes, bytes]], data: st.DataObject
) -> None:
    theirs, ours = judged[data.draw(st.sampled_from(sorted(judged)))]
    number = data.draw(st.one_of(st.sampled_from(sorted(N.values())), st.integers(0, 1 << 32)))
    arguments = data.draw(ARGUMENTS)
    for arch in (0xC000003E, I386):
        assert decide(ours, number, arguments, arch) == decide(theirs, number, arguments, arch)


def test_the_filter_of_numbers_decides_what_libseccomp_would() -> None:
    theirs, ours = (
        by_libseccomp(filters.NUMBERS_ALLOWED),
        filters.compile_filters(full=True, debug=False)[0],
    )
    for number in (*range(1000), 1 << 30, 1 << 30 | 39, 1 << 31, 0xFFFFFFFF):
        assert decide(ours, number) == decide(theirs, number), number


@pytest.mark.parametrize("machine", filters.MACHINES)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_program_is_short_enough_for_the_kernel_and_every_way_through_it_ends(
    machine: str, variant: dict[str, Any]
) -> None:
    for code in filters.compile_filters(**variant, machine=machine):
        lines = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
        assert len(lines) < 4096
        for at, (op, yes, no, value) in enumerate(lines):
            if op == 0x05:
                assert at + 1 + value < len(lines)
            elif op & 7 == 5:
                assert at + 1 + max(yes, no) < len(lines)
        assert lines[-1][0] == 0x06


def test_a_machine_whose_calls_are_not_known_gets_no_filter() -> None:
    with pytest.raises(SandboxError, match="riscv64 are not known"):
        filters.compile_filters(full=True, debug=False, machine="riscv64")


@given(st.integers(0, 2000))
def test_no_32_bit_call_is_ever_allowed(number: int) -> None:
    assert _answer(number, arch=I386) == KILL


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_the_high_half_of_an_argument_never_changes_a_verdict(first: int, second: int) -> None:
    low = (1 << 32) - 1
    for number in (SOCKET, SOCKETPAIR, IOCTL, CLONE, N["personality"]):
        assert _answer(number, first, second) == _answer(number, first & low, second & low)


@pytest.mark.parametrize(("arch", "table"), [(pyseccomp.Arch.X86_64, X86_64), (pyseccomp.Arch.AARCH64, AARCH64)])
def test_our_numbers_are_those_of_libseccomp(arch: int, table: dict[str, int]) -> None:
    for name, number in table.items():
        known = pyseccomp.resolve_syscall(arch, name)
        assert known in (number, -1), name


class _Asked(dict[str, int]):
    """A table of numbers that has everything and notes what it is asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return False


@pytest.mark.parametrize(
    ("arch", "numbers"), [(pyseccomp.Arch.X86_64, X86_64), (pyseccomp.Arch.AARCH64, AARCH64)], ids=["x86", "arm"]
)
def test_every_call_that_is_refused_is_known_by_number_where_the_machine_has_it(
    arch: int, numbers: dict[str, int]
) -> None:
    asked = _Asked()
    for variant in VARIANTS:
        filters.table(asked, **variant)
    there = {name for name in asked.names if pyseccomp.resolve_syscall(arch, name) >= 0}
    assert len(there) > 100
    assert there - numbers.keys() == set()


@pytest.mark.parametrize("variant", [VARIANTS[0], VARIANTS[-1]], ids=str)
def test_the_filter_for_arm_decides_what_libseccomp_would_there(variant: dict[str, Any]) -> None:
    arch, numbers = filters.MACHINES["aarch64"]
    old_enough = {n for name, n in numbers.items() if pyseccomp.resolve_syscall(pyseccomp.Arch.AARCH64, name) >= 0}
    table = filters.table(numbers, **variant)
    calls = replace(table, rules={number: ways for number, ways in table.rules.items() if number in old_enough})
    theirs = by_libseccomp(calls, "aarch64")
    ours = filters.compile_filters(**variant, machine="aarch64")[1]
    assert len(calls.rules) > 60
    for number in (*calls.rules, *(n for n in range(0, 420, 7) if n not in table.rules)):
        for value in (0, 1, 2, 5, 16, 0x5412, 0x10000011, 0o4755, 0xFFFFFFFF, HIGH | 2):
            given = (value,) * 6
            assert decide(ours, number, given, arch) == decide(theirs, number, given, arch), (number, value)
    assert {decide(ours, number, arch=foreign)[0] for number in range(500) for foreign in (I386, 0x40000028)} == {
        decide(ours, 0, arch=I386)[0]
    }


def test_the_doctor_holds_our_filters_against_libseccomp(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compare()
    assert found.works and "as our filters do" in found.detail
    honest = filters.compile_filters

    def careless(**variant: Any) -> tuple[bytes, bytes]:
        return honest(**{**variant, "debug": True})

    monkeypatch.setattr(filters, "compile_filters", careless)
    assert not compare().works
