"""Local, private, cloud: no conversation reaches a wider class of models without the human's rule or word."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.agent.stage import Human, home_in, no, yes
from tests.lent import lent_spawner, proven
from vtcode_tui.agent import Opening, Session, open_core
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.common.errors import DeniedError
from vtcode_tui.config.settings import Model, Provider, Providers, Settings
from vtcode_tui.demo import Served, Step, in_order, served
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.events.types import ApprovalDenied, ApprovalRequested, Event, ModelRequested
from vtcode_tui.sessions import fork
from vtcode_tui.workspace import grant_trust

pytestmark = pytest.mark.kernel

DataClass = Literal["local", "private", "cloud"]


@dataclass
class Two:
    """A model of this machine and one that is said to be elsewhere, both real servers."""

    tmp_path: Path
    near: Served
    far: Served
    human: Human
    class_of_far: DataClass
    rule: bool

    def settings(self, first: str) -> Settings:
        tables = {
            "near": Provider(base_url=self.near.base_url, models=("m",), data_class="local"),
            "far": Provider(base_url=self.far.base_url, models=("m",), data_class=self.class_of_far),
        }
        model = Model(provider=first, name="m", discover=False, cross_data_class=self.rule)
        return Settings(providers=Providers.of(tables), model=model)

    @contextlib.asynccontextmanager
    async def session(
        self, first: str = "near", *, resume: Path | None = None, heard: list[Event | Live] | None = None
    ) -> AsyncIterator[Session]:
        root, home = self.tmp_path / "ws", home_in(self.tmp_path)
        root.mkdir(exist_ok=True)
        grant_trust(root, home, now=rfc3339(SystemClock().now()))
        spawner, settings = lent_spawner(home), self.settings(first)
        try:
            session = await open_core(
                Opening(
                    root=root, home=home, settings=settings, spawner=spawner,
                    capability=await proven(spawner, settings), approver=self.human, origin="exec",
                    resume=resume, reader=None if heard is None else heard.append,
                    environ={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.tmp_path)},
                )
            )  # fmt: skip
            try:
                yield session
            finally:
                await session.close("test")
        finally:
            await spawner.close()

    @property
    def port(self) -> str:
        return self.far.base_url.rpartition(":")[2].partition("/")[0]


@contextlib.asynccontextmanager
async def two(
    tmp_path: Path,
    *,
    far: Sequence[Step] = (),
    human: Human | None = None,
    class_of_far: DataClass = "cloud",
    rule: bool = False,
) -> AsyncIterator[Two]:
    async with (
        served(in_order([Step("here")] * 4)) as one,
        served(in_order(list(far) or [Step("there")] * 4)) as other,
    ):
        yield Two(tmp_path, one, other, human or Human(no), class_of_far, rule)


def questions(human: Human) -> list[str]:
    return [request.shown for request in human.asked if request.call.tool == "continue_data_class"]


@pytest.mark.parametrize("way", ["switch", "resume", "fork"])
@pytest.mark.parametrize("class_of_far", ["private", "cloud"])
async def test_what_was_said_to_a_local_model_is_sent_elsewhere_only_after_a_yes(
    tmp_path: Path, way: str, class_of_far: DataClass
) -> None:
    async with two(tmp_path, class_of_far=class_of_far) as world:
        heard: list[Event | Live] = []
        async with contextlib.AsyncExitStack() as stack:
            session = await stack.enter_async_context(world.session(heard=heard))
            await session.submit("a secret plan")
            if way == "switch":
                await session.set_model("far", "m")
            else:
                folder = session.folder
                await stack.aclose()
                if way == "fork":
                    folder = await fork(home_in(tmp_path), folder)
                session = await stack.enter_async_context(world.session("far", resume=folder, heard=heard))
            assert any(isinstance(it, Notice) and "has not seen this conversation" in it.text for it in heard)

            await session.submit("go on")
            assert session.outcome == "stopped"
            assert world.far.requests == []
            (question,) = questions(world.human)
            for named in ("far/m", class_of_far, f"127.0.0.1:{world.port}", "messages", "tokens"):
                assert named in question

            world.human.answer = yes
            await session.submit("do go on")
            assert session.outcome == "done"
            assert "a secret plan" in str(world.far.requests[0]["messages"])
            await session.submit("and on")
            assert len(questions(world.human)) == 2


async def test_who_goes_back_to_a_local_model_is_asked_again_before_a_cloud_hears_of_it(tmp_path: Path) -> None:
    async with two(tmp_path) as world, world.session("far") as session:
        await session.submit("hello, cloud")
        await session.set_model("near", "m")
        await session.submit("now something private")
        assert world.human.asked == []
        await session.set_model("far", "m")
        await session.submit("back again")
        assert session.outcome == "stopped"
        assert len(world.far.requests) == 1


async def test_the_rule_of_the_settings_answers_for_the_human(tmp_path: Path) -> None:
    async with two(tmp_path, rule=True) as world, world.session() as session:
        await session.submit("hello")
        await session.set_model("far", "m")
        await session.submit("go on")
        assert session.outcome == "done"
        assert world.human.asked == []


async def test_a_choice_before_anything_was_said_asks_nothing(tmp_path: Path) -> None:
    async with two(tmp_path) as world, world.session() as session:
        await session.set_model("far", "m")
        await session.submit("hello")
        assert session.outcome == "done"
        assert world.human.asked == []
        assert world.near.requests == []


async def test_a_summary_is_not_asked_of_a_cloud_behind_the_humans_back(tmp_path: Path) -> None:
    async with two(tmp_path) as world, world.session() as session:
        await session.submit("a secret plan")
        await session.set_model("far", "m")
        with pytest.raises(DeniedError, match="Nothing was sent to far/m"):
            await session.compact()
        assert world.far.requests == []
        world.human.answer = yes
        await session.compact()
        assert len(world.far.requests) == 1


async def test_a_sub_task_sends_nothing_where_its_session_may_not(tmp_path: Path) -> None:
    task = Step("", (("explore", {"question": "what is here?"}),))
    far = [Step("inside"), task, Step("done")]
    async with two(tmp_path, far=far, human=Human(yes)) as world, world.session() as session:
        await session.submit("a secret plan")
        await session.set_model("far", "m")
        await session.submit("explore")
        assert session.outcome == "done"
        # One yes covers the session and its sub-tasks; without it neither would have been asked.
        assert len(questions(world.human)) == 1
        assert len(world.far.requests) == 3


async def test_the_journal_says_how_far_each_request_could_come_and_who_refused(tmp_path: Path) -> None:
    heard: list[Event | Live] = []
    async with two(tmp_path) as world, world.session(heard=heard) as session:
        await session.submit("a secret plan")
        await session.set_model("far", "m")
        await session.submit("go on")
    said = [one.data for one in heard if isinstance(one, Event)]
    assert [data.data_class for data in said if isinstance(data, ModelRequested)] == ["local"]
    assert [data for data in said if isinstance(data, ApprovalRequested) and "far/m" in data.shown]
    assert [data for data in said if isinstance(data, ApprovalDenied)]
