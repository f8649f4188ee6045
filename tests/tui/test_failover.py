"""Another model takes over: the status bar says which one answers and why, with the real app, core and servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.stage import home_in
from tests.llm.server import Act, Reply, serving
from tests.llm.talk import no_wait
from tests.tui.rig import Rig, until
from vtcode_tui.agent import Opening, Session, capability_of, open_core, start_spawner
from vtcode_tui.agent.port import Reader
from vtcode_tui.common.clock import SystemClock, rfc3339
from vtcode_tui.config.settings import Link, Model, Provider, Providers, Settings
from vtcode_tui.events.types import ConfigChanged, ModelFailover, ModelRequested
from vtcode_tui.gate.types import Approver
from vtcode_tui.tui.app import VtcodeApp
from vtcode_tui.tui.picture import strips_of, text_of
from vtcode_tui.workspace import grant_trust

Make = Callable[..., Rig]

HELLO = b'data: {"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
OVERLOADED = Reply(
    (json.dumps({"error": {"type": "overloaded_error", "message": "Overloaded"}}).encode(),),
    status=529,
    headers={"content-type": "application/json"},
)


def bar(app: VtcodeApp) -> str:
    """The last row of the screen, as it is drawn."""
    return strips_of(app)[-1].text


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (OVERLOADED, "overloaded, HTTP 529"),
        (Reply((b"data: {broken\n\n",)), "an event that is not JSON"),
        (Reply((HELLO[:30], Act.CUT)), "the connection"),
    ],
    ids=["overloaded", "malformed", "cut"],
)
async def test_the_status_bar_of_a_small_screen_shows_who_answers_and_why_it_changed(
    tmp_path: Path, fault: Reply, why: str
) -> None:
    root, home = tmp_path / "ws", home_in(tmp_path)
    root.mkdir()
    grant_trust(root, home, now=rfc3339(SystemClock().now()))
    spawner = start_spawner(home)
    try:
        async with serving(fault) as first, serving(Reply((HELLO,))) as second:
            tables = {
                name: Provider(base_url=server.url, models=("coder",), data_class="private")
                for name, server in (("gateway", first), ("spare", second))
            }
            chain = (Link(provider="spare", model="coder"),)
            model = Model(provider="gateway", name="coder", chain=chain, discover=False)
            settings = Settings(providers=Providers.of(tables), model=model)

            async def opened(approver: Approver, reader: Reader) -> Session:
                session = await open_core(
                    Opening(
                        root=root, home=home, settings=settings, spawner=spawner,
                        capability=await capability_of(spawner, settings), approver=approver, reader=reader,
                        environ={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)},
                    )
                )  # fmt: skip
                assert session._chain is not None
                session._chain._sleep = no_wait
                return session

            app = VtcodeApp(opened, lambda: settings, root=root)
            async with app.run_test(size=(80, 24)) as pilot:
                await until(lambda: app.core is not None, pilot)
                assert "gateway/coder" in bar(app)
                await pilot.press(*"hello", "enter")
                await until(lambda: "Hello." in text_of(app) and "ready" in bar(app), pilot)
                assert "spare/coder" in bar(app)
                assert f"instead of gateway: {why}" in bar(app)
                chat = app.work.chat
                told = [row for y in range(chat.row_count()) if "spare/coder" in (row := chat.row(y).text)]
                assert len(told) == 1, "a failover is told once"
                # Passed over from now on: it is still said why.
                await pilot.press(*"again", "enter")
                await until(lambda: len(second.seen) == 2 and "ready" in bar(app), pilot)
                assert f"spare/coder  instead of gateway: {why}" in bar(app)
                assert len(first.seen) == 3
                assert app.core is not None
                await app.core.close("test")
    finally:
        await spawner.close()


def moved(reason: str, **more: str) -> ModelFailover:
    names = {"from_provider": "near", "from_model": "a", "to_provider": "far", "to_model": "b"} | more
    return ModelFailover.model_validate({**names, "reason": reason, "attempts": 3})


async def test_the_reason_goes_with_the_model_it_explains_and_a_repetition_is_no_change(rig: Make) -> None:
    app = rig()
    async with app.app.run_test(size=(80, 24)) as pilot:
        core = await app.ready(pilot)
        again = moved("near: overloaded", to_provider="near", to_model="a")
        there, back = (ModelRequested(provider=p, model=m, endpoint="", messages=1) for p, m in ("fb", "na"))
        there, back = there.model_copy(update={"provider": "far"}), back.model_copy(update={"provider": "near"})
        for said, wanted, gone in (
            (again, "", "overloaded"),
            (moved("near: rate limited\x1b[31m"), "far/b  instead of near: rate limited", "\x1b"),
            (there, "far/b  instead of near: rate limited", ""),
            (back, "near/a", "instead of near"),
            (moved("near: away"), "far/b  instead of near: away", ""),
            (ConfigChanged(what="model", before="near/a", after="other/c"), "other/c", "instead of near"),
        ):
            core.say(said)
            await pilot.pause()
            assert wanted in bar(app.app)
            assert not gone or gone not in bar(app.app)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
async def test_a_long_reason_leaves_room_for_the_turn_the_model_and_the_key_of_the_keys(
    rig: Make, width: int
) -> None:
    app = rig()
    async with app.app.run_test(size=(width, 24)) as pilot:
        core = await app.ready(pilot)
        core.say(moved("near: the request was refused because " + "of many things " * 20, to_model="m" * 60))
        await pilot.pause()
        assert bar(app.app).startswith(" ready  ")
        assert "far/mmmm" in bar(app.app)
        assert "instead of near" in bar(app.app)
        assert "F1" in bar(app.app)
