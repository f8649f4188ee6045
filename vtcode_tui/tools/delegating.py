"""The two tools that hand work to another instance of the model, with a context of its own and no more rights."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from vtcode_tui.common.errors import UsageError
from vtcode_tui.policy.types import Access
from vtcode_tui.sandbox.grant import Work
from vtcode_tui.sandbox.run import Outcome
from vtcode_tui.tools.tool import Input, Place, Result

_WHOLE = "It knows nothing of this conversation: say all it needs, and what its answer should hold"


class ExploreInput(Input):
    """Let another instance look into a question."""

    question: str = Field(min_length=1, max_length=20_000, description=_WHOLE)


class DelegateInput(Input):
    """Let another instance do a piece of the work."""

    task: str = Field(min_length=1, max_length=20_000, description=_WHOLE)


class _Handing:
    def access(self, given: Input, place: Place) -> Access:
        """Touches nothing by itself: each call of the sub-task is judged on its own."""
        return Access()

    def work(self, given: Input, place: Place) -> Work:
        """No work of its own: the core runs the sub-task."""
        raise UsageError("a sub-task has no run of its own")

    def result(self, given: Input, outcome: Outcome, output: bytes) -> Result:
        """Never asked for: a sub-task has no run of its own."""
        raise UsageError("a sub-task has no run of its own")


class Explore(_Handing):
    """Answers a question about the workspace with the reading tools alone."""

    name: ClassVar[str] = "explore"
    description: ClassVar[str] = (
        "Let another instance of you answer a question about the workspace with the reading tools. Keeps long "
        "searches out of your context; several run at once."
    )
    input = ExploreInput
    mutates: ClassVar[bool] = False

    def summary(self, given: ExploreInput) -> str:
        """The question."""
        return given.question


class Delegate(_Handing):
    """Does a piece of the work with the tools and under the rules of this session."""

    name: ClassVar[str] = "delegate"
    description: ClassVar[str] = (
        "Let another instance of you do one self-contained piece of the work with your tools and under the same "
        "rules and approvals; you get its report."
    )
    input = DelegateInput
    mutates: ClassVar[bool] = True

    def summary(self, given: DelegateInput) -> str:
        """The task."""
        return given.task


SUBTASKS = (Explore.name, Delegate.name)
"""Never offered inside a sub-task."""
