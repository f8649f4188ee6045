"""An interpreter of compiled seccomp programs: what the bytes decide, without kernel and root."""

from __future__ import annotations

import struct
from functools import lru_cache

ALLOW, ERRNO, NOTIFY, KILL = 0x7FFF0000, 0x00050000, 0x7FC00000, 0x80000000
X86_64, I386 = 0xC000003E, 0x40000003


def decide(code: bytes, number: int, arguments: tuple[int, ...] = (), arch: int = X86_64) -> tuple[int, int]:
    """(action, data) for a system call."""
    padded = [*arguments, *([0] * (6 - len(arguments)))]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *(a & (1 << 64) - 1 for a in padded))
    program = _lines(code)
    accumulator, at = 0, 0
    while True:
        op, yes, no, k = program[at]
        at += 1
        if op == 0x15:  # most are of this kind
            at += yes if accumulator == k else no
        elif op == 0x20:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif op == 0x54:
            accumulator &= k
        elif op == 0x05:
            at += k
        elif op == 0x06:
            return k & 0xFFFF0000, k & 0xFFFF
        else:
            taken = {0x25: accumulator > k, 0x35: accumulator >= k, 0x45: accumulator & k}
            at += yes if taken[op] else no


@lru_cache(maxsize=64)
def _lines(code: bytes) -> list[tuple[int, int, int, int]]:
    """The instructions: thousands of calls are decided by one program, which is taken apart once."""
    return list(struct.iter_unpack("=HBBI", code))
