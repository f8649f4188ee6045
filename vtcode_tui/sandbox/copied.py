"""A piece of pure work in a process beside the one that asks: a copy of it, which starts nothing."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_SIZE = 8
"""Bytes of the number that says how long an answer is."""


@contextmanager
def beside(work: Callable[[], T]) -> Iterator[Callable[[], T | None]]:
    """Do `work` in a fork of this process while the block runs; what is yielded waits for its answer.

    The answer is None where there is none: the process was killed, or none was started, because this one has a
    second thread (whose locks a fork would hold for ever) or a single processor. It is gone when the block is left.
    """
    if threading.active_count() > 1 or (os.cpu_count() or 1) < 2:
        yield lambda: None
        return
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        try:
            yield lambda: _received(pipe.read())
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _received(raw: bytes) -> Any:
    """Whole or not at all: how long it is comes first."""
    size, answer = raw[:_SIZE], raw[_SIZE:]
    return pickle.loads(answer) if size and int.from_bytes(size) == len(answer) else None


def _answer(work: Callable[[], object], writing: int) -> None:
    try:
        answer = pickle.dumps(work())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(len(answer).to_bytes(_SIZE) + answer)
    finally:
        os._exit(0)
