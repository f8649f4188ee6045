"""The layers that the runs of a session share: when each is mounted, and how long.

After the last run of a layer has ended its mount stays for the next one only where that run would see the same in a
new one: nothing in the real folders below changed since before it was mounted (see `ground`), nobody who writes to
the layer's own folders past it has begun, and the paths mean the same folders. Otherwise it goes at once, and a new
one is made in idle time, with the folders watched before and the names looked at after; or when the next run comes.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress

from vtcode_tui.sandbox.inner.ground import Ground, can_be_watched
from vtcode_tui.sandbox.inner.holder import Holder
from vtcode_tui.sandbox.inner.job import SetupError
from vtcode_tui.sandbox.inner.unmounting import STUCK, Unmounting

_PATIENCE_SECONDS = 10.0
_QUIET_SECONDS = 0.2
"""So long after the last run or worker of a layer ended it is mounted for the next."""
_MOUNTED_SECONDS, _REMOUNTED_SECONDS = 1.0, 60.0
"""The same after the machine's mounts changed, and how long after the last run that is worth it."""
_REST_SECONDS = 600.0
"""So long a layer stays mounted without a run: what the kernel knows of it takes memory."""
_MOVED = (
    "the workspace is another folder now than the one that a run of this session is in: end that run, or bring the "
    "folder back"
)
_DISCOURAGED_SECONDS = 60.0
"""After a survey that could not be completed the next is not tried before that."""


class Layers:
    """The layers in use, by their upper folder, and a holder in reserve."""

    def __init__(self, poll: select.poll) -> None:
        self.watched: set[int] = set()
        """Descriptors, registered with `poll`: when one is ready, `leave` has something to do."""
        self._poll = poll
        self._live: dict[str, Holder] = {}
        self._going: dict[str, Unmounting] = {}
        self._spare: Holder | None = None
        self._used = False
        self._last: list[str] = []
        """The folders of the layer that a run was in last."""
        self._ground: Ground | None = None
        """Of that layer; known to the poll."""
        self._writers: list[tuple[socket.socket, list[str]]] = []
        """Runs that write past the mount, and where."""
        self._due = float("inf")
        self._left_at = float("-inf")
        self._discouraged_until = float("-inf")

    @property
    def pids(self) -> set[int]:
        """The holders."""
        spare = [self._spare] if self._spare is not None else []
        return {holder.pid for holder in (*self._live.values(), *spare)}

    def enter(self, folders: list[str], *, alone: bool) -> Holder | None:
        """The holder of a layer, which is mounted now unless its mount may serve. Raises SetupError.

        None while an earlier mount of it is going: ask again, when `watched` says so and a few times a second.

        `alone`: every other run of the layer has ended, whether or not its mount is gone already.
        """
        upper = folders[1]
        self._used = True
        self._due = float("inf")
        self._let_go(but=upper)
        holder = self._live.get(upper)
        if holder is not None and (alone or not holder.runs) and not holder.may_serve(folders):
            holder.spent = True
            self._wait_until_left(holder)
            if self._live.get(upper) is holder:
                self._end(upper)
        self._forget_gone()
        if upper not in self._live:
            if upper in self._going:
                if self._going[upper].is_stuck():
                    raise SetupError("layer", STUCK)
                return None
            holder, self._spare = self._spare or Holder(), None
            proven = self._stands_on(folders) and not self._is_written(folders)
            holder.mount(folders, self._ground if proven else None)
            self._live[upper] = holder
        elif not self._live[upper].is_of(folders):
            raise SetupError("layer", _MOVED)
        return self._live[upper]

    def join(self, holder: Holder, run: socket.socket) -> None:
        """A run sees the layer from now on, until `run` ends."""
        holder.runs.append(run)
        self._heed(run.fileno())

    def release(self, roots: list[str]) -> bool:
        """A run will write below these folders: a layer whose own folders lie there is not kept for another run.

        Returns whether that may be so: then `write` is to be told.
        """
        for upper, holder in list(self._live.items()):
            if _covers(roots, holder.folders):
                holder.spent = True
                if not holder.runs:
                    self._due = float("inf")
                    self._end(upper)
        return any(_covers(roots, folders) for folders in (*(h.folders for h in self._live.values()), self._last))

    def write(self, roots: list[str], run: socket.socket) -> None:
        """That run has begun; it ends when `run` does. Until then nothing is mounted ahead there."""
        self._writers.append((run, roots))
        self._heed(run.fileno())

    def leave(self) -> None:
        """Take note of runs that have ended, of mounts that are gone, and of changes below a mount that stayed."""
        self._forget_gone()
        ended = self._ended([run for run, _ in self._writers])
        if ended:
            self._writers = [row for row in self._writers if row[0] not in ended]
            if self._last and self._last[1] not in self._live:
                self._due = time.monotonic() + _QUIET_SECONDS
        stirred = self._ground is not None and self._ground.is_stirred()
        for upper, holder in list(self._live.items()):
            ended = self._ended(holder.runs)
            holder.runs = [run for run in holder.runs if run not in ended]
            if holder.runs:
                continue
            if ended:
                holder.rest()
                self._last, self._left_at = holder.folders, time.monotonic()
            if holder.may_serve(holder.folders):
                if ended:
                    self._due = time.monotonic() + _REST_SECONDS
            elif ended or (stirred and holder.ground is self._ground):
                self._due = time.monotonic() + _QUIET_SECONDS if ended else float("inf")
                self._end(upper)
        if stirred:
            self._drop_ground()

    def wait_ms(self) -> int | None:
        """How long there is nothing for `idle` to do; None for ever."""
        if self._due == float("inf"):
            return None
        return max(0, int((self._due - time.monotonic()) * 1000) + 1)

    def idle(self) -> None:
        """If it is time to, mount the layer that was used last for its next run; let it go where none came."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = float("inf")
        upper = self._last[1]
        self._forget_gone()
        if upper in self._live:
            if not self._live[upper].runs:
                self._end(upper)
                self._drop_ground()
        elif upper in self._going:
            self._due = now + _QUIET_SECONDS
        elif not self._is_written(self._last):
            with suppress(SetupError, OSError):  # the next run tries for itself, and says what is wrong
                self._mount_ahead(self._last)
                self._due = now + _REST_SECONDS

    def ended(self, pid: int) -> None:
        """A child was reaped: perhaps a holder that was killed."""
        for holder in [*self._live.values(), *([self._spare] if self._spare is not None else [])]:
            if holder.pid == pid:
                holder.pid = 0

    def distrust(self) -> None:
        """A supervisor was killed: what it ran may be there still, so that its layer serves no other run."""
        for holder in self._live.values():
            holder.spent = True
        self._let_go()

    def refill(self) -> None:
        """Have a holder ready, once layers are used at all."""
        if self._used and self._spare is None:
            with suppress(SetupError, OSError):  # the next run tries for itself, and says what is wrong
                self._spare = Holder()

    def dismiss(self) -> None:
        """End what waits for a run: the mounts that it holds are no longer those of the machine."""
        if self._spare is not None:
            self._spare.end()
            self._spare = None
        self._let_go()
        self._drop_ground()
        now = time.monotonic()
        self._due = now + _MOUNTED_SECONDS if now < self._left_at + _REMOUNTED_SECONDS else float("inf")

    def _mount_ahead(self, folders: list[str]) -> None:
        """Raises SetupError or OSError; nothing is mounted where nothing could be proven."""
        if not self._stands_on(folders):
            self._drop_ground()
            if time.monotonic() < self._discouraged_until or not can_be_watched(folders[0]):
                return
            self._ground = Ground(folders)
            self._heed(self._ground.notes)
        holder, self._spare = self._spare or Holder(), None
        holder.mount(folders, self._ground, ahead=True)
        self._live[folders[1]] = holder

    def _is_written(self, folders: list[str]) -> bool:
        """Whether somebody writes to a layer's own folders past the mount now."""
        return any(_covers(roots, folders) for _, roots in self._writers)

    def _stands_on(self, folders: list[str]) -> bool:
        return self._ground is not None and self._ground.folders == folders and self._ground.is_still()

    def _let_go(self, *, but: str = "") -> None:
        """End every mount that no run sees, but for one: what the kernel knows of a layer takes memory."""
        for upper in [upper for upper, holder in self._live.items() if upper != but and not holder.runs]:
            self._end(upper)

    def _end(self, upper: str) -> None:
        holder = self._live.pop(upper)
        notice = holder.end()
        if notice >= 0:
            self._going[upper] = Unmounting(notice)
            self._heed(notice)
        if holder.ground is not None and holder.ground is self._ground and not self._ground.surveyed:
            self._drop_ground()
        if holder.refused:
            self._discouraged_until = time.monotonic() + _DISCOURAGED_SECONDS

    def _drop_ground(self) -> None:
        """Whoever lets notes go last waits ten milliseconds: a process that ends, if one is there."""
        ground, self._ground = self._ground, None
        if ground is None:
            return
        self._unheed(ground.notes)
        if self._spare is not None:
            self._spare.bury(ground.notes)
            self._spare = None
        ground.close()

    def _heed(self, descriptor: int) -> None:
        self.watched.add(descriptor)
        self._poll.register(descriptor, select.POLLIN)

    def _unheed(self, descriptor: int) -> None:
        if descriptor in self.watched:
            self.watched.discard(descriptor)
            self._poll.unregister(descriptor)

    def _ended(self, runs: list[socket.socket]) -> list[socket.socket]:
        ended, _, _ = select.select(runs, [], [], 0)
        for run in ended:
            self._unheed(run.fileno())
            run.close()
        return ended

    def _wait_until_left(self, holder: Holder) -> None:
        for run in holder.runs:
            select.select([run], [], [], _PATIENCE_SECONDS)
        self.leave()

    def _forget_gone(self) -> None:
        for upper, going in list(self._going.items()):
            if going.is_over():
                self._unheed(going.notice)
                going.close()
                del self._going[upper]


def _covers(roots: list[str], folders: list[str]) -> bool:
    """Whether writing below one of `roots` may change the upper or the work folder of a layer."""
    return any(
        own == root or own.startswith(root.rstrip("/") + "/") or root.startswith(own + "/")
        for root in roots
        for own in folders[1:]
    )
