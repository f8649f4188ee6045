"""The world outside a run, made afresh for each attack, and what an attack changed in it: the oracle.

Nothing an attack prints about itself counts, unless it prints a secret that is not in its own text.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import secrets
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.shmat.restype = ctypes.c_void_p


class World:
    """Canaries, listeners, a victim process; `close` takes everything away again."""

    def __init__(self, base: Path | None = None, secret: str = "") -> None:
        self.base = Path(tempfile.mkdtemp(prefix="vtcode-world-", dir=base)).resolve()
        self.secret = secret
        """What this process has in its environment, and no run may."""
        self.token = f"tk{secrets.token_hex(12)}"
        self.digits = str(10**11 + secrets.randbelow(10**11))
        """In the command line of the victim."""
        self.nonce = f"nc{secrets.token_hex(12)}"
        self.marker = f"mk{secrets.token_hex(12)}"
        self.outside, self.workspace = self.base / "outside", self.base / "workspace"
        self._stack = contextlib.ExitStack()
        self._sockets: dict[str, socket.socket] = {}
        self.names: dict[str, object] = {"NONCE": self.nonce, "MARKER": self.marker}
        self._files()
        self._listeners()
        self._memory()
        self._terminal()
        self._start_victim()
        self._before = self._state()

    def _files(self) -> None:
        for folder in (self.outside, self.workspace, self.outside / "folder", self.outside / self.token):
            folder.mkdir()
        (self.workspace / "inside.txt").write_text("inside\n")
        files = {
            "secret": self.token,
            "victim": "victim\n",
            "run.sh": f"echo {self.token}\n",
            "folder/child": "x\n",
        }
        for name, text in files.items():
            (self.outside / name).write_text(text)
        (self.outside / "run.sh").chmod(0o755)
        (self.outside / "link").symlink_to(f"/nowhere/{self.token}")
        with contextlib.suppress(OSError):
            os.setxattr(self.outside / "victim", "user.canary", self.token.encode())
        os.mkfifo(self.outside / "fifo")
        self._fifo = os.open(self.outside / "fifo", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        (self.workspace / "outlink").symlink_to(self.outside)
        self.names |= {"OUT": self.outside, "WS": self.workspace, "SECRET": self.outside / "secret"}
        self.names |= {"VICTIM": self.outside / "victim", "FIFO": self.outside / "fifo", "UPID": os.getpid()}
        self._git()

    def _git(self) -> None:
        hooks = self.workspace / ".git" / "hooks"
        for folder in (hooks, self.workspace / ".git/objects", self.workspace / ".git/refs/heads"):
            folder.mkdir(parents=True)
        (self.workspace / ".git/HEAD").write_text("ref: refs/heads/main\n")
        (self.workspace / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")
        (hooks / "pre-commit").write_text("#!/bin/sh\nexit 0\n")
        (hooks / "pre-commit").chmod(0o755)
        (self.workspace / ".vt-workspace-trust").write_text("marker\n")

    @property
    def protected(self) -> tuple[Path, ...]:
        """What the profile of an attack protects."""
        names = (".git/hooks", ".git/config", ".vt-workspace-trust", "vtcode.toml", "tool-policy.json", ".envrc")
        more = (
            ".vscode",
            ".github/workflows",
            ".pre-commit-config.yaml",
            ".gitattributes",
            ".git/info/attributes",
            ".git/commondir",
        )
        return tuple(self.workspace / name for name in (*names, *more))

    def _listeners(self) -> None:
        abstract = f"vtcode-{self.nonce}"
        unix = {"USTREAM": socket.SOCK_STREAM, "UDGRAM": socket.SOCK_DGRAM, "USEQ": socket.SOCK_SEQPACKET}
        for name, kind in unix.items():
            self._listen(name, socket.AF_UNIX, kind, str(self.outside / name.lower()))
            self.names[name] = self.outside / name.lower()
        self._listen("WSOCK", socket.AF_UNIX, socket.SOCK_STREAM, str(self.workspace / "host.sock"))
        self._listen("WDGRAM", socket.AF_UNIX, socket.SOCK_DGRAM, str(self.workspace / "host.dgram"))
        self._listen("ASTREAM", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}")
        self._listen("ADGRAM", socket.AF_UNIX, socket.SOCK_DGRAM, f"\0{abstract}-dgram")
        self.names |= {"ABSTRACT": abstract, "WSOCK": self.workspace / "host.sock"}
        for name, family, kind, host in (
            ("TCP", socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"),
            ("TCP6", socket.AF_INET6, socket.SOCK_STREAM, "::1"),
            ("UDP", socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0"),
            ("UDP6", socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
        ):
            self.names[name] = 9
            with contextlib.suppress(OSError):
                self._listen(name, family, kind, (host, 0))
                self.names[name] = self._sockets[name].getsockname()[1]

    def _listen(self, name: str, family: int, kind: int, address: str | tuple[str, int]) -> None:
        made = self._stack.enter_context(socket.socket(family, kind))
        made.setblocking(False)
        made.bind(address)
        if kind != socket.SOCK_DGRAM:
            made.listen(8)
        self._sockets[name] = made

    def _memory(self) -> None:
        self._shm = int(_LIBC.shmget(0, 4096, 0o1600))
        if self._shm >= 0:
            place = _LIBC.shmat(self._shm, None, 0)
            ctypes.memmove(place, self.token.encode(), len(self.token))
            _LIBC.shmdt(ctypes.c_void_p(place))
        self._queue = int(_LIBC.msgget(0, 0o1600))
        self._semaphore = int(_LIBC.semget(0, 1, 0o1600))
        shared, self._shared = tempfile.mkstemp(prefix="vtcode-world-", dir="/dev/shm")
        os.write(shared, self.token.encode())
        os.close(shared)
        self.names |= {"SHARED": self._shared, "SHM": self._shm, "MSG": self._queue, "SEM": self._semaphore}

    def _terminal(self) -> None:
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self.names |= {"PTS": os.ttyname(self._slave), "SFD": self._slave}

    def _start_victim(self) -> None:
        environment = {"PATH": "/usr/bin:/bin", "VICTIM_SECRET": self.token}
        held = os.open(self.outside / "secret", os.O_RDONLY)
        self._victim = subprocess.Popen(
            ["sleep", "600", f"0.{self.digits}"],
            env=environment,
            pass_fds=[held],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self.outside,
            start_new_session=True,
        )
        os.close(held)
        self.names |= {"PID": self._victim.pid, "VFD": held}

    def breaches(self, output: str) -> list[str]:
        """What the attack achieved, as the world shows it."""
        found = []
        if any(word and word in output for word in (self.token, self.secret, self.digits)):
            found.append("a secret was read")
        if self.nonce[::-1] in output:
            found.append("a forbidden call succeeded")
        after = self._state()
        found += [
            f"changed: {key}"
            for key in self._before.keys() | after.keys()
            if self._before.get(key) != after.get(key)
        ]
        found += [f"reached: {name}" for name in self._reached()]
        survivors = list(self.survivors())
        if survivors:
            found.append(f"still alive: {survivors}")
        return found

    def _state(self) -> dict[str, str]:
        state = {}
        for root in (self.outside, *self.protected, Path(self._shared)):
            for path in _below(str(root)):
                state[path.removeprefix(f"{self.base}/")] = _describe(path, times=root == self.outside)
        state["victim process"] = self._victim_state()
        size, mode = termios.tcgetwinsize(self._slave), os.fstat(self._slave).st_mode
        state["terminal"] = f"{termios.tcgetattr(self._slave)} {size} {mode:o}"
        if self._queue >= 0:
            buffer = ctypes.create_string_buffer(256)
            _LIBC.msgctl(self._queue, 2, buffer)
            state["message queue"] = buffer.raw[80:104].hex()
            state["semaphore"] = str(_LIBC.semctl(self._semaphore, 0, 12))
        return state

    def _victim_state(self) -> str:
        pid = self._victim.pid
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            known = (
                "alive" if status in "SRD" else status,
                os.getpriority(os.PRIO_PROCESS, pid),
                sorted(os.sched_getaffinity(pid)),
                os.sched_getscheduler(pid),
                resource.prlimit(pid, resource.RLIMIT_NOFILE),
                Path(f"/proc/{pid}/oom_score_adj").read_text().strip(),
                _LIBC.syscall(252, 1, pid) if os.uname().machine == "x86_64" else 0,
            )
        except OSError as error:
            return f"gone {error.errno}"
        return repr(known)

    def _reached(self) -> Iterator[str]:
        for name, held in self._sockets.items():
            try:
                if held.type == socket.SOCK_DGRAM:
                    held.recv(10)
                else:
                    held.accept()[0].close()
            except OSError:
                continue
            yield name
        if select.select([self._fifo], [], [], 0)[0] and os.read(self._fifo, 4096):
            yield "FIFO"
        # Another world's control may write to every terminal at this moment: only this world's word counts.
        if select.select([self._master], [], [], 0)[0] and self.nonce.encode() in os.read(self._master, 4096):
            yield "PTS"
        if select.select([self._slave], [], [], 0)[0]:
            yield "PTS input"

    def survivors(self) -> Iterator[int]:
        """Processes that carry the marker in their command line."""
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid() and self._is_marked(int(name)):
                yield int(name)

    def _is_marked(self, pid: int) -> bool:
        return self.marker.encode() in _content(f"/proc/{pid}/cmdline")

    def _end(self, pid: int) -> None:
        """Kill a process that carries the marker, and none that got its number since."""
        with contextlib.suppress(OSError):
            held = os.pidfd_open(pid)
            try:
                if self._is_marked(pid):
                    signal.pidfd_send_signal(held, signal.SIGKILL)
            finally:
                os.close(held)

    def close(self) -> None:
        """Take everything away."""
        for pid in self.survivors():
            self._end(pid)
        for number in (signal.SIGKILL, signal.SIGCONT):
            with contextlib.suppress(OSError):
                os.kill(self._victim.pid, number)
        self._victim.wait()
        self._stack.close()
        for descriptor in (self._fifo, self._master, self._slave):
            os.close(descriptor)
        Path(self._shared).unlink(missing_ok=True)
        if self._shm >= 0:
            _LIBC.shmctl(self._shm, 0, None)
            _LIBC.msgctl(self._queue, 0, None)
            _LIBC.semctl(self._semaphore, 0, 0)
        try:
            shutil.rmtree(self.base)
        except (OSError, RecursionError):
            # Attacks leave folders that are deeper than Python's own removal goes.
            subprocess.run(["rm", "-rf", "--", str(self.base)], check=False, stderr=subprocess.DEVNULL)


def _below(root: str) -> list[str]:
    """A path, and where it is a folder what lies in it, as deep as any honest one is."""
    found, at = [root], 0
    deepest = root.count("/") + 8
    while at < len(found):
        folder = found[at]
        at += 1
        with contextlib.suppress(OSError):
            # What an attack locked away from an ordinary user is described as unreadable, not looked into.
            if folder.count("/") < deepest and stat.S_ISDIR(os.lstat(folder).st_mode):
                found += [f"{folder}/{name}" for name in sorted(os.listdir(folder))]
    return found


def _describe(path: str, *, times: bool) -> str:
    """A file as it is; without times where the guard may have put the same content back."""
    try:
        known = os.lstat(path)
    except OSError:
        return "absent"
    parts = [oct(known.st_mode), str(known.st_uid), str(known.st_mtime_ns if times else "")]
    if stat.S_ISLNK(known.st_mode):
        return f"link {os.readlink(path)}"
    if stat.S_ISDIR(known.st_mode):
        # A folder's time changes with its entries, which are compared by themselves.
        parts.pop()
    with contextlib.suppress(OSError):
        parts += [f"{name}={os.getxattr(path, name)!r}" for name in os.listxattr(path)]
    if stat.S_ISREG(known.st_mode):
        parts.append(_content(path).hex()[:400])
        parts.append(f"links={known.st_nlink if times else 1}")
    return " ".join(parts)


def _content(path: str) -> bytes:
    """What a file holds; nothing where it cannot be read."""
    pieces = []
    with contextlib.suppress(OSError):
        held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while piece := os.read(held, 1 << 16):
                pieces.append(piece)
        finally:
            os.close(held)
    return b"".join(pieces)
