"""An interpreter of compiled seccomp programs: what the bytes decide, without kernel and root."""

from __future__ import annotations

import struct

ALLOW, ERRNO, NOTIFY, KILL = 0x7FFF0000, 0x00050000, 0x7FC00000, 0x80000000
X86_64, I386 = 0xC000003E, 0x40000003


def decide(code: bytes, number: int, arguments: tuple[int, ...] = (), arch: int = X86_64) -> tuple[int, int]:
    """(action, data) for a system call."""
    padded = [*arguments, *([0] * (6 - len(arguments)))]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *(a & (1 << 64) - 1 for a in padded))
    program = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    accumulator, at = 0, 0
    while True:
        op, yes, no, k = program[at]
        at += 1
        if op == 0x20:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif op == 0x54:
            accumulator &= k
        elif op == 0x05:
            at += k
        elif op == 0x06:
            return k & 0xFFFF0000, k & 0xFFFF
        else:
            taken = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k, 0x45: accumulator & k}
            at += yes if taken[op] else no
