"""Which runs the terminal pane has, and which of them is in front: live ones, and those of before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from vtcode_tui.tui.panes.hands import Hands
from vtcode_tui.tui.panes.runs import KEPT_RUNS, RunView


class RunTabs(Hands):
    """The runs by their calls, the newest last. One of before is read when it comes to the front."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.runs: dict[str, RunView] = {}
        self.to_front: Callable[[str], None] = lambda call: None
        """Told of each run that comes to the front (the viewer reads what it wrote then)."""
        self.earlier: Callable[[str], RunView | None] = lambda call: None
        """Finds a run that has no tab, by its call."""

    def restore(self, views: Iterable[RunView]) -> None:
        """Put runs of before in front of those that are there. None of them is looked at, and so none is read."""
        self.runs = {view.call: view for view in views} | self.runs
        self.soon()

    def keep(self, view: RunView) -> None:
        """One more run, which takes the place of the oldest that has ended if there are too many."""
        self.runs.pop(view.call, None)
        self.runs[view.call] = view
        while len(self.runs) > KEPT_RUNS:
            ended = (key for key, run in self.runs.items() if run.ending and run not in (self.current, view))
            if (oldest := next(ended, None)) is None:
                break
            del self.runs[oldest]

    def bring(self, view: RunView) -> None:
        """This run to the front."""
        self.current = view
        self.following = True
        self.cursor = None
        self.soon()
        self.to_front(view.call)
        if view.source is not None:
            self.run_worker(self._read(view), name="reading what an earlier run wrote")

    async def _read(self, view: RunView) -> None:
        source, view.source = view.source, None
        if source is not None:
            view.take(await asyncio.to_thread(source))
            self.taken_in()

    def taken_in(self) -> None:
        """A run has more to be drawn."""
        raise NotImplementedError

    def bring_last(self) -> None:
        """The newest run to the front, if none is."""
        if self.current is None and self.runs:
            self.bring(list(self.runs.values())[-1])

    def show_call(self, call: str) -> bool:
        """Bring a run to the front, also one that has no tab any more; False where nothing of it is kept."""
        if call not in self.runs:
            if (view := self.earlier(call)) is None:
                return False
            self.keep(view)
        self.bring(self.runs[call])
        return True

    def action_run(self, delta: int) -> None:
        """Another run to the front."""
        views = list(self.runs.values())
        if self.current is None:
            self.bring_last()
        elif views:
            self.bring(views[(views.index(self.current) + delta) % len(views)])

    def clear(self) -> None:
        """Forget all runs."""
        self.runs.clear()
        self.current = None
        self.taken = False
        self.soon()
