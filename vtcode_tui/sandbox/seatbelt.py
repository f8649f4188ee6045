"""Tier `seatbelt`: the profile of a run in the language of macOS's sandbox, generated from the same `Profile`.

Experimental: generated, parsed back and evaluated by the tests on every platform, never run on a Mac by us.

In that language the *last* rule that matches decides. What is denied inside an allowed folder therefore comes after
the allow. Paths are passed as parameters (`-D NAME=path`), never spliced into the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vtcode_tui.sandbox.profile import Profile

PROGRAM = "/usr/bin/sandbox-exec"

_SYSTEM = (
    "/usr", "/bin", "/sbin", "/System", "/Library/Apple", "/Library/Developer", "/Library/Frameworks",
    "/opt/homebrew", "/opt/local", "/private/var/db/dyld", "/private/var/db/timezone", "/nix/store",
    "/Applications/Xcode.app", "/Library/Preferences/Logging",
)  # fmt: skip
_FILES = (
    "/private/etc/hosts", "/private/etc/passwd", "/private/etc/group", "/private/etc/protocols",
    "/private/etc/services", "/private/etc/localtime", "/private/etc/shells", "/private/etc/gitconfig",
    "/private/etc/resolv.conf", "/private/etc/profile", "/private/etc/bashrc", "/private/etc/zshrc",
)  # fmt: skip
_DEVICES = ("/dev/null", "/dev/zero", "/dev/tty", "/dev/random", "/dev/urandom", "/dev/dtracehelper")
_LISTS = ("/private/etc/ssl", "/private/etc/paths.d", "/private/var/select")

_BASE = """(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow pseudo-tty)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow mach-lookup (global-name "com.apple.trustd"))
(allow mach-lookup (global-name "com.apple.logd"))
(allow file-read* (literal "/"))
(allow file-read-metadata)
"""


@dataclass(frozen=True, slots=True)
class Seatbelt:
    """A profile and the parameters it refers to."""

    text: str
    parameters: Mapping[str, str]

    def command(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command line that runs `argv` under it."""
        defined = [word for name, path in self.parameters.items() for word in ("-D", f"{name}={path}")]
        return (PROGRAM, *defined, "-p", self.text, *argv)

    def command_from(self, file: Path, argv: tuple[str, ...], *, program: str = PROGRAM) -> tuple[str, ...]:
        """The same with the text in a file, which keeps it out of the process list."""
        defined = [word for name, path in self.parameters.items() for word in ("-D", f"{name}={path}")]
        return (program, "-f", str(file), *defined, "--", *argv)


def canonical(path: Path) -> str:
    """A path as the kernel sees it: /tmp, /var and /etc are links into /private on a Mac."""
    text = str(path)
    first = text.split("/", 2)[1] if text.startswith("/") else ""
    return f"/private{text}" if first in {"tmp", "var", "etc"} else text


def generate(profile: Profile, *, home: Path, tmp: Path, terminal: str = "", proxy_port: int = 0) -> Seatbelt:
    """The profile of a run; `home` and `tmp` are its private folders, `terminal` its own device."""
    parameters: dict[str, str] = {}

    def name(kind: str, path: Path) -> str:
        key = f"{kind}_{len(parameters)}"
        parameters[key] = canonical(path)
        return f'(param "{key}")'

    lines = [_BASE.rstrip()]
    lines += [f'(allow file-read* file-map-executable process-exec (subpath "{path}"))' for path in _SYSTEM]
    lines += [f'(allow file-read* (literal "{path}"))' for path in _FILES]
    lines += [f'(allow file-read* (subpath "{path}"))' for path in _LISTS]
    lines += [f'(allow file-read* file-write-data file-ioctl (literal "{path}"))' for path in _DEVICES]
    if terminal:
        lines.append(f"(allow file-read* file-write-data file-ioctl (literal {name('TTY', Path(terminal))}))")
    lines += [
        f"(allow file-read* file-map-executable process-exec (subpath {name('READ', path)}))"
        for path in profile.readable
    ]
    for path in (*profile.writable, home, tmp):
        lines.append(
            f"(allow file-read* file-write* file-map-executable process-exec (subpath {name('WRITE', path)}))"
        )
    lines += list(_protections(profile, name))
    lines += [f"(deny file-read* file-write* (subpath {name('HIDE', path)}))" for path in profile.hidden]
    if proxy_port:
        lines.append(f'(allow network-outbound (remote ip "localhost:{proxy_port}"))')
    return Seatbelt("\n".join(lines) + "\n", parameters)


def _protections(profile: Profile, name: Callable[[str, Path], str]) -> Iterator[str]:
    held: set[Path] = set()
    for path in profile.protected:
        yield f"(deny file-write* (subpath {name('PROTECT', path)}))"
        for root in profile.writable:
            # A protected path could be replaced by renaming a folder above it.
            above = [p for p in path.parents if p != root and p.is_relative_to(root) and p not in held]
            held.update(above)
            yield from (f"(deny file-write-unlink (literal {name('ABOVE', folder)}))" for folder in above)
