"""A provider that means harm, on every wire: it can waste a little time, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.certificates import Authority, showing
from tests.llm.server import Act, Reply, serving
from tests.llm.streams import STREAMS, WORDS, reply
from tests.llm.talk import chain_to, endpoint, hear, no_wait, request
from tests.llm.test_bad_input import MEGABYTE, grown, peak
from vtcode_tui.common.errors import ModelError
from vtcode_tui.config.settings import Link as Chosen
from vtcode_tui.config.settings import Model, Provider, Providers, Settings, Wire
from vtcode_tui.llm import Chain, Link, resolve_models
from vtcode_tui.llm.failure import retry_after
from vtcode_tui.llm.messages import Message, Text, ToolResult, ToolUse
from vtcode_tui.llm.shape import number

WIRES: tuple[Wire, ...] = get_args(Wire)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_whole_message_is_not_asked_again_because_its_connection_breaks_after_it(
    wire: Wire,
) -> None:
    async with serving(replace(reply(wire), steps=[*filter(None, STREAMS[wire]), Act.LEAVE])) as server:
        heard = await hear(chain_to(server.root, wire))
    assert (heard.text, len(heard.restarts), len(server.seen)) == (WORDS, 0, 1)


@pytest.mark.parametrize("wire", ["anthropic", "openai-responses", "ollama", "gemini"])
async def test_a_server_that_never_lets_go_cannot_hold_back_or_void_a_whole_message(wire: Wire) -> None:
    stalled = replace(reply(wire), steps=[*filter(None, STREAMS[wire]), Act.STALL])
    async with serving(stalled) as server:
        # Without a bound of its own the wait would be the time between events: longer than this test may take.
        heard = await hear(chain_to(server.root, wire, idle=3600.0))
    assert (heard.text, len(heard.restarts), len(server.seen)) == (WORDS, 0, 1)


@pytest.mark.parametrize("after", [b": still here\n\n", b'data: {"choices": [{"delta": {"content": "more"}}]}\n\n'])
async def test_a_server_that_goes_on_and_on_after_its_last_word_is_not_listened_to(after: bytes) -> None:
    endless = replace(
        reply("openai-chat"), steps=[*filter(None, STREAMS["openai-chat"]), after * 100], repeat=1 << 40
    )
    async with serving(endless) as server:
        heard = await hear(chain_to(server.root, "openai-chat"))
    assert (heard.text, len(heard.restarts), len(server.seen)) == (WORDS, 0, 1)


PAGE = {"content-type": "text/html"}
CALLS: dict[Wire, Any] = {
    "openai-chat": lambda n: {
        "choices": [{"delta": {"tool_calls": [{"index": n, "id": f"c{n}", "function": {"name": "x"}}]}}]
    },
    "anthropic": lambda n: {
        "type": "content_block_start",
        "index": n,
        "content_block": {"type": "tool_use", "id": f"c{n}", "name": "x", "input": {}},
    },
    "openai-responses": lambda n: {
        "type": "response.output_item.added",
        "output_index": n,
        "item": {"type": "function_call", "call_id": f"c{n}", "name": "x"},
    },
    "gemini": lambda n: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "x", "args": {}}}]}}]},
    "ollama": lambda n: {"message": {"tool_calls": [{"function": {"name": "x", "arguments": {}}}]}},
}
CALLS["lmstudio"] = CALLS["openai-chat"]


def flood(wire: Wire) -> Reply:
    """A million tool calls."""
    frame = "{}\n" if wire == "ollama" else "data: {}\n\n"
    block = "".join(frame.format(json.dumps(CALLS[wire](n))) for n in range(1000)).encode()
    return replace(reply(wire), steps=[block], repeat=1000)


@dataclass(frozen=True)
class Bad:
    """An answer that is none, on any wire: what the person is told of it, and whether it is asked for again."""

    answer: Reply | Callable[[Wire], Reply]
    says: str
    attempts: int = 3


EVIL = "https://evil.test/v1"
CUT_SHORT = r"the stream ended before the message did"
BAD: dict[str, Bad] = {
    "a gigabyte without a newline": Bad(Reply((MEGABYTE,), repeat=1024), r"a line of more than 16 MB"),
    "a million tool calls": Bad(flood, r"more than 256 tool calls"),
    "invalid UTF-8": Bad(Reply((b'data: {"a": "\xff\xfe"}\n\n{"a": "\xff\xfe"}\n',)), r"not UTF-8"),
    "HTML with status 200": Bad(Reply((b"<html>Sign in</html>",), headers=PAGE), r"a web page instead of", 1),
    "HTML that says it is a stream": Bad(Reply((b"<html>\n\nSign in\n\n</html>\n\n",)), rf"{CUT_SHORT}|not JSON"),
    "HTML with status 502": Bad(Reply((b"<html>Bad gateway</html>",), status=502, headers=PAGE), r"HTTP 502"),
    "a picture": Bad(Reply((b"\x89PNG",), headers={"content-type": "image/png"}), r"type image/png"),
    "plain text": Bad(Reply((b"hello\n\n",), headers={"content-type": "text/plain"}), rf"{CUT_SHORT}|not JSON"),
    "JSON that is no event": Bad(
        Reply((b'data: [1, "x", null]\n\n[1, "x", null]\n',)), rf"{CUT_SHORT}|event|object"
    ),
    "JSON nested without end": Bad(
        Reply((b"data: " + b"[" * 100_000 + b"\n\n" + b"[" * 100_000 + b"\n",)), r"not JSON"
    ),
    "a compressed stream": Bad(Reply((b"\x1f\x8b\x08",), headers={"content-encoding": "gzip"}), r"compressed", 1),
    "an empty answer": Bad(Reply(()), CUT_SHORT),
    "an empty answer without a status for it": Bad(Reply((), status=204, framed=False), r"HTTP 204"),
    "only keep-alives": Bad(Reply((b": ping\n\n",) * 50), rf"{CUT_SHORT}|not JSON"),
    "a redirect to another host": Bad(Reply(status=302, headers={"location": EVIL}), r"redirects to evil\.test", 1),
    "a redirect that keeps the request": Bad(
        Reply(status=307, headers={"location": EVIL}), r"redirects to evil\.test", 1
    ),
    "headers without end": Bad(
        Reply((), headers={f"x-{n}": "y" * 1000 for n in range(2000)}), r"connection.* broke"
    ),
    "a wrong length": Bad(
        Reply((b"data: {",), headers={"content-length": "5", "content-type": "text/event-stream"}), CUT_SHORT
    ),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", BAD)
async def test_every_bad_answer_is_one_sentence_of_bounded_cost_on_every_wire(wire: Wire, name: str) -> None:
    before, bad = peak(), BAD[name]
    answer = bad.answer if isinstance(bad.answer, Reply) else bad.answer(wire)
    async with serving(answer) as server:
        chain = chain_to(server.root, wire)
        with pytest.raises(ModelError) as caught:
            await hear(chain)
        assert len(server.seen) == bad.attempts
        assert server.sent < bad.attempts * 80 * len(MEGABYTE)
        server.replies = [reply(wire)]
        assert (await hear(chain)).text == WORDS, "the next turn works"
        assert all("evil.test" not in seen.headers["host"] for seen in server.seen)
    said = str(caught.value)
    assert re.match(rf"acme: .*({bad.says})", said), said
    assert (said.isprintable(), len(said) < 600) == (True, True), said
    assert grown(before) < 400


CERTIFICATES: dict[str, tuple[dict[str, Any], str]] = {
    "self-signed": ({"own": True}, r"self[- ]signed certificate; .*SSL_CERT_FILE"),
    "expired": ({"first_day": -3, "last_day": -2}, r"certificate has expired$"),
    "not valid yet": ({"first_day": 2, "last_day": 3}, r"not yet valid$"),
    "wrong host": ({"host": x509.DNSName("other.test")}, r"not valid for '127\.0\.0\.1'$"),
    "an unknown authority": ({}, r"local issuer certificate; .*SSL_CERT_FILE"),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", CERTIFICATES)
async def test_a_server_with_a_wrong_certificate_is_told_of_and_sent_nothing_on_every_wire(
    wire: Wire, name: str, tmp_path: Path
) -> None:
    wrong, says = CERTIFICATES[name]
    trusted = Authority(tmp_path)
    signer = Authority(tmp_path, "somebody") if name == "an unknown authority" else trusted
    tls = showing(signer.certificate(**wrong))
    async with serving(reply(wire), tls=tls) as server:
        environ = {"SSL_CERT_FILE": str(trusted.file)}
        chain = Chain([Link(endpoint(server.root, wire), "m")], environ=environ, sleep=no_wait)
        with pytest.raises(ModelError) as caught:
            await hear(chain)
        said = str(caught.value)
        assert re.match(rf"acme: the certificate of 127\.0\.0\.1:{server.port} is refused: .*{says}", said), said
        assert (caught.value.kind, said.isprintable(), len(said) < 300) == ("forbidden", True, True)
        assert server.seen == []
        tls.load_cert_chain(trusted.certificate())
        assert (await hear(chain)).text == WORDS, "the next turn works"


async def test_counts_that_no_computer_can_add_up_are_no_counts() -> None:
    for value in (10**4000, -5, 2**53, 1e300, float("inf"), True, "7", None, [1]):
        assert number({"n": value}, "n") == 0
    usage = f'{{"prompt_tokens": {"9" * 4000}, "completion_tokens": -3}}'
    event = (
        f'data: {{"choices": [{{"delta": {{"content": "hi"}}, "finish_reason": "stop"}}], "usage": {usage}}}\n\n'
    )
    async with serving(Reply((event.encode(),))) as server:
        whole = (await hear(chain_to(server.root))).whole
    assert (whole.usage.input, whole.usage.output, whole.cost_usd is None) == (0, 0, True)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_name_that_a_model_made_up_does_not_make_every_later_request_invalid(wire: Wire) -> None:
    for name in ("bad name!", "ünï", "x" * 300, "../../etc", "1st", "\x00\x1b[2J", "-"):
        told = (
            *request().messages,
            Message("assistant", (ToolUse("c1", name, "{}"),)),
            Message("user", (ToolResult("c1", "There is no such tool."), Text("go on"))),
        )
        async with serving(reply(wire)) as server:
            await hear(chain_to(server.root, wire), request(*told))
            raw = json.dumps(server.seen[0].body)
        names = re.findall(r'"(?:name|tool_name)": "((?:[^"\\]|\\.)*)"', raw)
        assert names, wire
        assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", one) for one in names), names


@given(st.one_of(st.text(max_size=40), st.from_regex(r"\w{3}, \d\d \w{3} \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,12}")))
def test_no_retry_after_is_too_strange_to_read(said: str) -> None:
    waited = retry_after({"retry-after": said})
    assert waited is None or 0 <= waited <= 3600


async def test_a_local_model_that_is_away_is_not_replaced_by_a_cloud_without_the_humans_rule() -> None:
    async with serving(reply("openai-chat")) as cloud:
        chain = (Chosen(provider="home", model=""), Chosen(provider="sky", model="m"))
        tables = {
            "home": Provider(wire="ollama", base_url="http://127.0.0.1:9", data_class="local"),
            "sky": Provider(base_url=cloud.url, models=("m",), data_class="cloud"),
        }
        settings = Settings(
            model=Model(provider="home", chain=chain, discover=False), providers=Providers.of(tables)
        )
        with pytest.raises(ModelError, match=r"sky/m was not asked: model\.cross_data_class"):
            await resolve_models(settings, {}).chain()
        assert cloud.seen == []
        free = settings.model_copy(update={"model": settings.model.model_copy(update={"cross_data_class": True})})
        assert (await hear(await resolve_models(free, {}).chain())).text == WORDS
