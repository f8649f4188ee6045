"""Hardening of vtcode's own process, before anything else is imported. Standard library only.

What it achieves against another program of the same user (which is not in our sandbox): it cannot attach to us,
read our memory, our environment or a core dump of us, and neither a folder that we are started in nor a variable
that we inherit makes us load somebody's code.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LOADERS = ("LD_", "DYLD_", "PYTHON", "PERL5", "BASH_FUNC_")
_NAMED = frozenset(("BASH_ENV", "ENV", "NODE_OPTIONS", "RUBYOPT", "JAVA_TOOL_OPTIONS", "IFS", "GCONV_PATH"))


def harden(*, close: bool = True) -> None:
    """No core dumps, not dumpable, no loader variables, no inherited descriptors.

    `close=False` keeps descriptors above 2 open, for a caller that opened some on purpose.
    """
    _no_core()
    _not_dumpable()
    for name in list(os.environ):
        if name.startswith(_LOADERS) or name in _NAMED:
            del os.environ[name]
    _standard_streams()
    if close:
        os.closerange(3, _highest_descriptor())


def isolate(words: Sequence[str]) -> None:
    """Start this program again with Python's isolated mode, unless it runs in it already.

    Without it `python -m vtcode_tui` in a hostile folder imports that folder's json.py, and PYTHON* variables of
    the environment count. `words` are the arguments after the program's name.
    """
    if sys.flags.isolated or (sys.flags.safe_path and sys.flags.ignore_environment):
        return
    # An installation in the user's own site folder is not seen in isolated mode: keep the rest of it there.
    flags = ["-E", "-P"] if _in_user_site() else ["-I"]
    os.execv(sys.executable, [sys.executable, *flags, "-m", "vtcode_tui", *words])


def _in_user_site() -> bool:
    import site

    user = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    return bool(user) and os.path.realpath(__file__).startswith(os.path.realpath(user) + os.sep)


def _no_core() -> None:
    import resource

    # Not 0: a run has what we have at most, and for it 0 would be too little (see `inner.job`).
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    least = 1 if sys.platform == "linux" and hard else 0
    resource.setrlimit(resource.RLIMIT_CORE, (least, least))


def _not_dumpable() -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        if libc.prctl(4, 0, 0, 0, 0):  # PR_SET_DUMPABLE
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
    elif sys.platform == "darwin":
        libc.ptrace(31, 0, 0, 0)  # PT_DENY_ATTACH


def _standard_streams() -> None:
    """Descriptors 0 to 2 exist, so that a file opened later does not become standard output by accident."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
    # Python left out a stream whose descriptor was closed when it started.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _highest_descriptor() -> int:
    try:
        return max((int(name) for name in os.listdir("/proc/self/fd")), default=3) + 1
    except OSError:
        return 4096
