"""How far a conversation travels: what was said to narrower models reaches a wider one by the human's word only.

Local, private and cloud are data classes (`llm.endpoint.BREADTH`). Every request goes through here, whatever led to
it: another model chosen, a session resumed or forked with other settings, a sub-task, a summary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from vtcode_tui.common.errors import DeniedError
from vtcode_tui.config.settings import DataClass
from vtcode_tui.llm.chain import Chain
from vtcode_tui.llm.endpoint import BREADTH

Question: TypeAlias = Callable[[str, str], Awaitable[bool]]
"""Puts a kind of question and its sentence to the human: yes or no."""


class Boundary:
    """Knows which data class the latest part of a session's conversation was said to.

    The latest, not the widest ever: who goes from a cloud to a local model does so to say what stays here.
    """

    def __init__(self, reach: DataClass | None, ask: Question, *, free: bool) -> None:
        """Begin with the class that was asked last (None: nothing was sent yet).

        `free`: the human's settings let everything pass (`model.cross_data_class`)."""
        self.reach = reach
        self._ask, self._free = ask, free
        self._one_question = asyncio.Lock()

    def beyond(self, chain: Chain) -> str:
        """Which models of the chain are wider than those that were asked last; empty where it may go on."""
        if self.reach is None or self._free or BREADTH[chain.reach] <= BREADTH[self.reach]:
            return ""
        wider = [link for link in chain.links if BREADTH[link.endpoint.data_class] > BREADTH[self.reach]]
        return ", ".join(f"{link.name} ({link.endpoint.data_class}, {link.endpoint.host})" for link in wider)

    async def cross(self, chain: Chain, messages: int, tokens: int) -> None:
        """Let a request of so many messages and about so many tokens pass. Raises DeniedError when it may not."""
        async with self._one_question:
            if where := self.beyond(chain):
                seen = f"What was said last in this conversation, only {self.reach} models have seen."
                sent = (
                    f"To go on, its {messages} messages (about {tokens:,} tokens), with what tools have read in "
                    f"the workspace, are sent to {where}, and so is what follows."
                )
                if not await self._ask("data_class", f"{seen} {sent}"):
                    raise DeniedError(
                        f"Nothing was sent to {where}: only {self.reach} models have seen what was said last. "
                        "Choose one with /model or --model, say yes when asked, or set model.cross_data_class"
                    )
            self.reach = chain.reach
