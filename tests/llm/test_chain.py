"""Failover: who is asked when, how often, and what a person is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tests.llm.server import Act, FaultyServer, Reply, serving, sse
from tests.llm.talk import hear, no_wait, request
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import DataClass
from vtcode_tui.llm import Chain, Endpoint, Link, ModelFacts, Price
from vtcode_tui.llm.messages import Message, Text, Thinking, ToolResult, ToolUse


class HeldClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic_ns(self) -> int:
        return int(self.seconds * 1e9)


def say(words: str) -> Reply:
    return Reply(sse({"choices": [{"delta": {"content": words}, "finish_reason": "stop"}]}))


def half(words: str) -> Reply:
    return Reply((*sse({"choices": [{"delta": {"content": words}}]}, done=False), Act.CUT))


def refuse(status: int, **headers: str) -> Reply:
    named = {
        "content-type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Reply((json.dumps({"error": {"message": "no"}}).encode(),), status=status, headers=named)


def link(server: FaultyServer, name: str, data_class: DataClass = "cloud") -> Link:
    return Link(Endpoint(name, "openai-chat", server.url, data_class=data_class), "m")


class Waits:
    """A sleep that takes no time and remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def chain(
    links: Sequence[Link], *, clock: HeldClock | None = None, waits: Waits | None = None, cross: bool = False
) -> Chain:
    return Chain(
        links, clock=clock or HeldClock(), sleep=waits or no_wait, chance=lambda: 0.0, cross_data_class=cross
    )


async def test_a_stream_that_breaks_is_void_and_asked_again() -> None:
    async with serving(half("wrong"), say("right")) as server:
        heard = await hear(chain([link(server, "a")]))
    assert heard.text == "right"
    assert heard.whole.message == Message("assistant", (Text("right"),))
    (restart,) = heard.restarts
    assert restart.partial
    assert (restart.from_provider, restart.to_provider, restart.attempts) == ("a", "a", 1)


async def test_after_three_attempts_the_next_link_answers() -> None:
    async with serving(refuse(503)) as first, serving(say("hi")) as second:
        heard = await hear(chain([link(first, "a"), link(second, "b")]))
    assert len(first.seen) == 3
    assert heard.whole.provider == "b"
    assert [(r.from_provider, r.to_provider) for r in heard.restarts] == [("a", "a"), ("a", "a"), ("a", "b")]
    assert "HTTP 503" in heard.restarts[-1].reason


async def test_retry_after_is_waited_for_when_nobody_else_can_answer() -> None:
    waits = Waits()
    async with serving(refuse(429, retry_after="20"), say("hi")) as server:
        assert (await hear(chain([link(server, "a")], waits=waits))).text == "hi"
    assert waits.seconds == [20.0]


async def test_many_clients_do_not_come_back_at_one_moment_and_none_before_it_was_asked_to() -> None:
    async def waited(chance: float, answer: Reply) -> list[float]:
        waits = Waits()
        async with serving(answer, answer, say("hi")) as server:
            asked = Chain([link(server, "a")], clock=HeldClock(), sleep=waits, chance=lambda: chance)
            assert (await hear(asked)).text == "hi"
        return waits.seconds

    early, late = [await waited(chance, refuse(503)) for chance in (1.0, 0.0)]
    assert all(a < b for a, b in zip(early, late, strict=True))
    assert late == [0.5, 1.0]
    early, late = [await waited(chance, refuse(429, retry_after="20")) for chance in (0.0, 1.0)]
    assert all(20 <= a < b for a, b in zip(early, late, strict=True))


async def test_a_long_wait_passes_to_the_next_link_at_once() -> None:
    waits = Waits()
    async with serving(refuse(429, retry_after="20")) as first, serving(say("hi")) as second:
        heard = await hear(chain([link(first, "a"), link(second, "b")], waits=waits))
    assert (len(first.seen), heard.text, waits.seconds) == (1, "hi", [])


async def test_a_wait_that_is_too_long_is_told() -> None:
    async with serving(refuse(429, retry_after="900")) as server:
        with pytest.raises(ModelError, match="wait for 900 s") as caught:
            await hear(chain([link(server, "a")]))
    assert caught.value.kind == "rate_limited"


@pytest.mark.parametrize(("status", "kind"), [(401, "auth"), (402, "billing"), (400, "invalid"), (404, "invalid")])
async def test_what_retrying_cannot_heal_stops_and_does_not_fail_over(status: int, kind: str) -> None:
    async with serving(refuse(status)) as first, serving(say("hi")) as second:
        with pytest.raises(ModelError) as caught:
            await hear(chain([link(first, "a"), link(second, "b")]))
    assert caught.value.kind == kind
    assert (len(first.seen), len(second.seen)) == (1, 0)


async def test_an_open_circuit_is_passed_over_until_a_probe_succeeds() -> None:
    clock = HeldClock()
    async with serving(refuse(503), refuse(503), refuse(503), say("back")) as first, serving(say("hi")) as second:
        both = chain([link(first, "a"), link(second, "b")], clock=clock)
        assert (await hear(both)).whole.provider == "b"
        assert both.current.endpoint.provider == "b"
        assert (await hear(both)).whole.provider == "b"
        assert len(first.seen) == 3
        clock.seconds += 31
        assert both.current.endpoint.provider == "a"
        assert (await hear(both)).text == "back"


async def test_a_probe_that_fails_keeps_the_circuit_open_twice_as_long() -> None:
    clock = HeldClock()
    async with serving(refuse(503)) as first, serving(say("hi")) as second:
        both = chain([link(first, "a"), link(second, "b")], clock=clock)
        await hear(both)
        clock.seconds += 31
        await hear(both)
        assert len(first.seen) == 4
        clock.seconds += 31
        await hear(both)
        assert len(first.seen) == 4
        clock.seconds += 30
        await hear(both)
        assert len(first.seen) == 5


async def test_a_single_link_is_asked_however_ill_it_was() -> None:
    async with serving(refuse(503), refuse(503), refuse(503), say("hi")) as server:
        alone = chain([link(server, "a")])
        with pytest.raises(ModelError, match="after 3 attempts"):
            await hear(alone)
        assert (await hear(alone)).text == "hi"


async def test_an_outage_is_not_answered_by_a_storm() -> None:
    async with serving(refuse(503)) as server:
        alone = chain([link(server, "a")])
        for _ in range(40):
            with pytest.raises(ModelError):
                await hear(alone)
    assert len(server.seen) <= 40 + 14


async def test_local_never_becomes_cloud_without_a_rule() -> None:
    async with serving(refuse(503)) as local, serving(say("hi")) as cloud:
        links = [link(local, "home", "local"), link(cloud, "sky", "cloud")]
        with pytest.raises(ModelError, match=r"sky/m was not asked: model\.cross_data_class"):
            await hear(chain(links))
        assert cloud.seen == []
        assert (await hear(chain(links, cross=True))).text == "hi"


async def test_cloud_may_become_local() -> None:
    async with serving(refuse(503)) as cloud, serving(say("hi")) as local:
        assert (await hear(chain([link(cloud, "sky", "cloud"), link(local, "home", "local")]))).text == "hi"


async def test_failover_says_what_the_next_model_cannot_read() -> None:
    history = (
        Message("user", (Text("go"),)),
        Message("assistant", (Thinking("hm", "sig", "a", "m"), ToolUse("bad id!", "read_file", "{}"))),
        Message("user", (ToolResult("bad id!", "ok"),)),
    )
    async with serving(refuse(503)) as first, serving(say("hi")) as second:
        heard = await hear(chain([link(first, "a"), link(second, "b")]), request(*history))
    assert heard.restarts[-1].dropped == ("reasoning of a/m", "1 × tool id or name renamed")
    sent = second.seen[0].body["messages"]
    assert sent[2]["tool_calls"][0]["id"] == sent[3]["tool_call_id"] == "bad_id_"


async def test_an_answer_has_its_price_and_fits_the_model() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 100_000}}
    stream = sse({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}, usage)
    async with serving(Reply(stream)) as server:
        facts = ModelFacts(8_000, 2_000, Price(2.0, 10.0), known=True)
        priced = Chain([Link(Endpoint("a", "openai-chat", server.url), "m", facts)])
        assert (await hear(priced)).whole.cost_usd == 3.0
    assert server.seen[0].body["max_tokens"] == 2_000


async def test_a_local_failure_names_the_command_that_fixes_it() -> None:
    async with serving() as server:
        url = server.root
    for provider, wire, command in (
        ("lmstudio", "lmstudio", "lms server start"),
        ("ollama", "ollama", "ollama serve"),
        ("llamacpp", "openai-chat", "llama-server"),
    ):
        gone = Chain([Link(Endpoint(provider, wire, url, data_class="local"), "m")])  # type: ignore[arg-type]  # literals
        with pytest.raises(ModelError, match=command) as caught:
            await hear(gone)
        assert caught.value.kind == "not_running"


@pytest.mark.parametrize(
    ("wire", "said", "kind", "command"),
    [
        (
            "lmstudio",
            "No models loaded. Please load a model in the developer page or use `lms load`.",
            "not_loaded",
            "lms load m",
        ),
        ("ollama", "model 'm' not found, try pulling it first", "not_loaded", "ollama pull m"),
        ("ollama", "registry.ollama.ai/library/m does not support tools", "no_tools", "ollama pull"),
        ("openai-chat", "tools param requires --jinja flag", "no_tools", "llama-server --jinja"),
    ],
)
async def test_local_errors_are_told_apart(wire: str, said: str, kind: str, command: str) -> None:
    reply = Reply((json.dumps({"error": said}).encode(),), status=400, headers={"content-type": "application/json"})
    async with serving(reply) as server:
        provider = "llamacpp" if wire == "openai-chat" else wire
        local = Chain([Link(Endpoint(provider, wire, server.root, data_class="local"), "m")])  # type: ignore[arg-type]
        with pytest.raises(ModelError, match=command) as caught:
            await hear(local)
    assert caught.value.kind == kind
