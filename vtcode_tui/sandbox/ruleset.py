"""The Landlock ruleset of a run, made in the main process with the `landlock` package; only a descriptor travels.

The package (1.0.0.dev5) covers file rights only and falls short in three places, completed here:
- its attribute has no network ports and no scopes (signals, abstract sockets): a longer structure is passed through
  its own prototype;
- it treats a stale errno as a failure: errno is cleared before each call;
- it gives folder rights to files, which the kernel refuses: rights are masked by what the path is.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.inner import kernel

_EXECUTE, _WRITE, _READ, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_BLOCK, _REFER, _TRUNCATE, _IOCTL = 1 << 6, 1 << 11, 1 << 13, 1 << 14, 1 << 15
_TCP = 0b11
_SCOPES = 0b11
"""Abstract unix sockets and signals stay inside."""

_FOLDER_BITS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}

READ_ONLY = _READ | _READ_DIR
RUN = READ_ONLY | _EXECUTE
DEVICE = _READ | _WRITE | _TRUNCATE | _IOCTL
LIST = _READ_DIR
_FILE_ONLY = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL


@dataclass(frozen=True)
class Rights:
    """The rights that one version of Landlock knows."""

    abi: int

    @functools.cached_property
    def handled(self) -> int:
        """Every file right of this version; what no rule allows is refused."""
        return _FOLDER_BITS[max(version for version in _FOLDER_BITS if version <= self.abi)]

    @property
    def everything(self) -> int:
        """What a writable root gets: all but making device nodes and device ioctls."""
        return self.handled & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL)

    def masked(self, access: int) -> tuple[int, int]:
        """`access` as this version can express it: for a folder, and for a file."""
        return access & self.handled, access & self.handled & _FILE_ONLY


@functools.cache
def _attributes() -> type[ctypes.Structure]:
    from landlock import plumbing

    class Attributes(plumbing.RulesetAttr):  # type: ignore[misc]
        _fields_ = (("handled_access_net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))

    return Attributes


def create(rights: Rights, *, network: bool) -> int:
    """A new ruleset without rules; `network`: TCP is refused as well. Raises SandboxError."""
    try:
        from landlock import LandlockError, plumbing
    except ImportError as error:
        raise SandboxError(f"the package landlock is missing: {error}", step="landlock") from error

    size = 8 if rights.abi < 4 else 16 if rights.abi < 6 else 24
    attributes = _attributes()(
        rights.handled, _TCP if network and rights.abi >= 4 else 0, _SCOPES if size == 24 else 0
    )
    ctypes.set_errno(0)
    try:
        descriptor = int(plumbing.get_create_ruleset()(attributes, size, 0))
    except (LandlockError, OSError) as error:
        raise SandboxError(f"Landlock refuses a ruleset: {error}", step="landlock") from error
    if descriptor < 0:
        raise SandboxError("Landlock refuses a ruleset", step="landlock")
    return descriptor


@functools.cache
def _rule_calls() -> tuple[type[Exception], Callable[..., object], Callable[..., object]]:
    from landlock import LandlockError, plumbing

    return LandlockError, plumbing.get_add_rule(), plumbing.PathBeneathAttr


def allow(ruleset: int, rights: Rights, path: str, access: int, *, strict: bool = False) -> None:
    """Add a rule for a path that exists; `strict` refuses a symbolic link on the way. Raises SandboxError."""
    errors, add_rule, entry = _rule_calls()
    try:
        if strict:
            root = os.open("/", os.O_PATH | os.O_CLOEXEC)
            try:
                descriptor = kernel.open_inside(root, path.lstrip("/") or ".", os.O_PATH)
            finally:
                os.close(root)
        else:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        if strict:
            raise SandboxError(f"{path} cannot be granted: {error.strerror}", step="landlock rules") from error
        return
    try:
        for_folder, for_file = rights.masked(access)
        wanted = for_folder if stat.S_ISDIR(os.fstat(descriptor).st_mode) else for_file
        if wanted:
            ctypes.set_errno(0)
            add_rule(ruleset, 1, entry(wanted, descriptor), 0)
    except (errors, OSError) as error:
        raise SandboxError(f"Landlock refuses a rule for {path}: {error}", step="landlock rules") from error
    finally:
        os.close(descriptor)


@functools.cache
def supported_abi() -> int:
    """The Landlock version of this kernel, 0 where there is none."""
    return kernel.landlock_abi()


@functools.cache
def rights_of(abi: int) -> Rights:
    """The rights of a version; raises SandboxError when there is no Landlock at all."""
    if abi < 1:
        raise SandboxError(
            "this kernel has no Landlock (Linux 5.13 or newer, with `landlock` in the lsm= list of the boot line)",
            step="landlock",
        )
    return Rights(abi)


class Rulesets:
    """Gives each run a ruleset of its own that holds the rules of all runs already; the next is made in idle time.

    A rule is about a file and not about its name: a ruleset that waited is used only if each name still means the
    file that it meant, and made anew otherwise.
    """

    def __init__(self, rights: Rights, common: Sequence[tuple[str, int]], *, network: bool) -> None:
        self._rights = rights
        self._common = tuple(common)
        self._network = network
        self._waiting = -1
        self._closed = False
        self._meant: list[tuple[int, int] | None] = []

    def take(self, rules: Sequence[tuple[str, int, bool]]) -> int:
        """A ruleset with `rules` (path, access, strict) besides; the caller closes it. Raises SandboxError."""
        descriptor, self._waiting = self._waiting, -1
        if descriptor >= 0 and self._meant != self._files():
            os.close(descriptor)
            descriptor = -1
        if descriptor < 0:
            descriptor = self._made()
        return self._filled(descriptor, rules)

    def refill(self) -> None:
        """Make the next one, if none waits."""
        if self._waiting < 0 and not self._closed:
            self._meant = self._files()
            with contextlib.suppress(SandboxError):  # the next run tries for itself, and says what is wrong
                self._waiting = self._made()

    def close(self) -> None:
        """Let go what waits, for good."""
        self._closed = True
        if self._waiting >= 0:
            os.close(self._waiting)
            self._waiting = -1

    def _made(self) -> int:
        rules = [(path, access, False) for path, access in self._common]
        return self._filled(create(self._rights, network=self._network), rules)

    def _filled(self, descriptor: int, rules: Sequence[tuple[str, int, bool]]) -> int:
        try:
            for path, access, strict in rules:
                allow(descriptor, self._rights, path, access, strict=strict)
        except SandboxError:
            os.close(descriptor)
            raise
        return descriptor

    def _files(self) -> list[tuple[int, int] | None]:
        return [_identity(path) for path, _access in self._common]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        known = os.stat(path)
    except OSError:
        return None
    return known.st_dev, known.st_ino
