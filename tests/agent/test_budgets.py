"""Budgets of a session: what it used up stops it with a question, and what cannot be counted is said."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.stage import Human, Stage, no, staged
from tests.reading import payloads
from vtcode_tui.agent.spending import Spent
from vtcode_tui.config.settings import Context
from vtcode_tui.demo import Step
from vtcode_tui.events.export import converter
from vtcode_tui.events.export.form import export
from vtcode_tui.events.live import Notice
from vtcode_tui.events.types import ModelResponded, SessionEnded
from vtcode_tui.llm.messages import Usage

pytestmark = pytest.mark.kernel

LOOKS = [Step("", (("read_file", {"path": "a"}),)), Step("", (("list_files", {}),)), Step("done")]
PRICE = 0.003
"""Dollars of 1,200 tokens of input of gpt-4o, which every answer of the scripted model reports."""


@contextlib.asynccontextmanager
async def bounded(tmp_path: Path, human: Human, context: Context, **more: Any) -> AsyncIterator[Stage]:
    more = {"name": "gpt-4o", "data_class": "private"} | more
    async with staged(tmp_path, LOOKS, files={"a": "x"}, context=context, human=human, **more) as stage:
        yield stage


def questions(stage: Stage) -> list[str]:
    return [str(request.call.arguments["why"]) for request in stage.human.asked]


def notices(stage: Stage) -> list[str]:
    return [heard.text for heard in stage.heard if isinstance(heard, Notice)]


async def test_a_session_that_has_cost_its_budget_asks_and_a_yes_lets_it_go_on(tmp_path: Path) -> None:
    async with bounded(tmp_path, Human(), Context(session_cost_budget_usd=PRICE)) as stage:
        await stage.session.submit("go")
        assert stage.session.outcome == "done"
        assert len(stage.model.requests) == 3
        # Asked before the second request and before the third, each time with dollars.
        assert len(questions(stage)) == 2
        assert questions(stage)[0].startswith("This session has used $0.0030 of its budget of $0.0030")
        ended = [event.data.cost_usd for event in stage.events() if isinstance(event.data, ModelResponded)]
        assert all(cost is not None and cost >= PRICE for cost in ended)


async def test_a_no_ends_the_turn_and_the_next_prompt_asks_again(tmp_path: Path) -> None:
    async with bounded(tmp_path, Human(no), Context(session_cost_budget_usd=PRICE)) as stage:
        await stage.session.submit("go")
        assert stage.session.outcome == "stopped"
        assert len(stage.model.requests) == 1
        await stage.session.submit("and now?")
        assert len(questions(stage)) == 2
        assert len(stage.model.requests) == 1


async def test_tokens_are_a_budget_of_their_own(tmp_path: Path) -> None:
    async with bounded(tmp_path, Human(no), Context(session_token_budget=2_000)) as stage:
        await stage.session.submit("go")
        assert stage.session.outcome == "stopped"
        assert len(stage.model.requests) == 2
        assert "of its budget (2,4" in questions(stage)[0]


async def test_a_price_that_is_not_known_is_said_once_and_not_counted_as_nothing(tmp_path: Path) -> None:
    context = Context(session_cost_budget_usd=PRICE)
    async with bounded(tmp_path, Human(), context, name="scripted") as stage:
        await stage.session.submit("go")
        said = [text for text in notices(stage) if "price" in text]
        assert said == [
            "The price of test/scripted is not known: the budget of $0.0030 does not count it; "
            "set context.session_token_budget to bound it."
        ]
        assert stage.session.outcome == "done"
    (ended,) = payloads(stage.events(), SessionEnded)
    assert ended.cost_usd is None


async def test_nothing_is_said_of_prices_where_no_cost_is_bounded_or_a_model_is_free(tmp_path: Path) -> None:
    async with bounded(tmp_path, Human(), Context(session_token_budget=10**9), name="scripted") as stage:
        await stage.session.submit("go")
        assert not [text for text in notices(stage) if "price" in text]


async def test_a_local_model_costs_nothing_and_that_is_known(tmp_path: Path) -> None:
    context = Context(session_cost_budget_usd=PRICE)
    async with bounded(tmp_path, Human(no), context, name="scripted", data_class="local") as stage:
        await stage.session.submit("go")
        assert (stage.session.outcome, questions(stage)) == ("done", [])
        assert not [text for text in notices(stage) if "price" in text]


async def test_what_a_session_cost_before_it_was_resumed_counts_with_its_summaries(tmp_path: Path) -> None:
    context = Context(session_cost_budget_usd=2.5 * PRICE)
    async with bounded(tmp_path, Human(), Context()) as first:
        await first.session.submit("go")
        await first.session.compact()
        folder, before = first.session.folder, first.session.session
    answers = payloads(first.events(), ModelResponded)
    assert [answer.purpose for answer in answers] == ["answer", "answer", "answer", "summary"]
    trajectory = json.loads(next(iter(export(folder, converter("atif")))))
    assert trajectory["final_metrics"]["total_prompt_tokens"] == 4 * 1_200
    assert len([step for step in trajectory["steps"] if step["source"] == "agent"]) == 3
    async with bounded(tmp_path, Human(no), context, resume=folder) as second:
        assert second.session.session == before
        await second.session.submit("more")
        assert len(questions(second)) == 1
        assert second.model.requests == []
    ended = payloads(second.events(), SessionEnded)[-1]
    assert ended.input_tokens == 4 * 1_200
    assert ended.cost_usd == pytest.approx(sum(answer.cost_usd or 0 for answer in answers))


def test_a_sub_task_counts_in_its_session_and_says_an_unknown_price_once_for_both() -> None:
    session = Spent(None, 1.0)
    tasks = [Spent(1_000, None, within=session) for _ in range(2)]
    assert [bool(task.unpriced("p/m")) for task in (*tasks, session)] == [True, False, False]
    tasks[0].add(Usage(input=10), 0.75)
    tasks[1].add(Usage(input=10), 0.5)
    assert tasks[0].due() == "The session's budget is used up."
    assert session.due().startswith("This session has used $1.25 of its budget of $1.00 (125%")
    session.go_on()
    assert (session.due(), tasks[0].due()) == ("", "")
