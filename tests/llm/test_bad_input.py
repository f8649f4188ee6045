"""Servers that mean harm or are broken: bounded memory, one sentence, and the next request works."""

from __future__ import annotations

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.server import Reply, serving, sse
from tests.llm.talk import chain_to, endpoint, hear
from vtcode_tui.common.errors import ModelError
from vtcode_tui.llm import Chain, Hosts, Link
from vtcode_tui.llm.framing import JsonLines, OversizeError, ServerSentEvents
from vtcode_tui.llm.transport import proxy_for

MEGABYTE = b"x" * 1024 * 1024
GOOD = Reply(sse({"choices": [{"delta": {"content": "fine"}, "finish_reason": "stop"}]}))


def grown(before: int) -> int:
    """Megabytes that this process's peak has grown by."""
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


ENDLESS = {
    "a gigabyte of data lines": (
        Reply((b"data: " + MEGABYTE[:1000] + b"\n",), repeat=1_000_000),
        "an event of more",
    ),
    "a message without end": (
        Reply((f'data: {{"choices":[{{"delta":{{"content":"{"x" * 1_000_000}"}}}}]}}\n\n'.encode(),), repeat=1024),
        "a message of more than 32 MB",
    ),
    "one event of 20 MB": (Reply((b'data: {"x": "', MEGABYTE * 20, b'"}\n\n')), "a line of more than 16 MB"),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_no_answer_is_too_large_to_be_refused(name: str) -> None:
    reply, words = ENDLESS[name]
    before = peak()
    async with serving(reply, reply, reply, GOOD) as server:
        chain = chain_to(server.url)
        with pytest.raises(ModelError, match=words) as caught:
            await hear(chain)
        assert caught.value.kind == "malformed_stream"
        assert (await hear(chain)).text == "fine"
        assert server.sent < 3 * 80 * 1024 * 1024
    assert grown(before) < 400


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply((b"\x00\x01\x02",), headers={"content-type": "image/png"}), "malformed_stream", "image/png"),
        (Reply((b"x",), headers={"content-encoding": "br"}), "invalid", "compressed"),
        (Reply((b"<html>x",), status=502, headers={"content-type": "text/html"}), "transient", "HTTP 502"),
        (Reply((b"<!doctype html>",), status=404), "invalid", "HTTP 404"),
        (Reply(status=301, headers={"location": "//evil.test/x"}), "forbidden", "evil.test"),
        (Reply(status=307, headers={"location": "/elsewhere"}), "forbidden", "not followed"),
        (Reply((), status=204, framed=False), "transient", "HTTP 204"),
        (Reply((b"\x1b[31m evil \x07\n" * 1000,), status=400), "invalid", "evil"),
        (Reply((MEGABYTE,), status=500, repeat=1024), "transient", "HTTP 500"),
        (Reply((b'{"error": {"message": 5}}',), status=400), "invalid", "HTTP 400"),
    ],
)
async def test_a_wrong_answer_is_one_printable_sentence(reply: Reply, kind: str, words: str) -> None:
    async with serving(reply) as server:
        with pytest.raises(ModelError) as caught:
            await hear(chain_to(server.url))
    said = str(caught.value)
    assert (caught.value.kind, said.isprintable(), len(said) < 600) == (kind, True, True), said
    assert said.startswith("acme: ")
    assert words in said


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere() -> None:
    async with serving(GOOD) as other, serving(Reply(status=307, headers={"location": other.url})) as server:
        with pytest.raises(ModelError, match="redirects"):
            await hear(chain_to(server.url))
        assert other.seen == []


async def test_only_allowed_hosts_are_ever_contacted() -> None:
    async with serving(GOOD) as server:
        links = [Link(endpoint(server.url), "m")]
        for allow in (("127.0.0.1:1",), ("localhost",), ("gateway.test", "127.0.0.2")):
            with pytest.raises(ModelError, match=r"providers\.allow") as caught:
                await hear(Chain(links, hosts=Hosts(allow)))
            assert caught.value.kind == "forbidden"
        assert server.seen == []
        assert (await hear(Chain(links, hosts=Hosts((f"127.0.0.1:{server.port}",))))).text == "fine"


async def test_a_proxy_outside_the_allowed_hosts_is_refused() -> None:
    async with serving(GOOD) as proxy:
        links = [Link(endpoint("http://gateway.test/v1"), "m")]
        environ = {"http_proxy": proxy.root}
        with pytest.raises(ModelError, match="the proxy") as caught:
            await hear(Chain(links, hosts=Hosts(("gateway.test",)), environ=environ))
        assert caught.value.kind == "forbidden"
        assert proxy.seen == []
        assert (await hear(Chain(links, environ=environ))).text == "fine"
        assert proxy.seen[0].path == "http://gateway.test/v1/chat/completions"


def test_a_proxy_is_never_used_for_this_machine_or_an_excepted_host() -> None:
    environ = {
        "HTTPS_PROXY": "proxy:3128",
        "ALL_PROXY": "http://all",
        "NO_PROXY": ".corp.test, 10.0.0.0/8,exact.test",
    }
    assert proxy_for("https://api.test/v1", environ) == "http://proxy:3128"
    assert proxy_for("http://api.test/v1", environ) == "http://all"
    for url in (
        "http://127.0.0.1:1",
        "https://a.corp.test",
        "https://10.1.2.3",
        "https://exact.test",
        "http://[::1]:1",
    ):
        assert proxy_for(url, environ) == ""


async def test_plain_http_behind_an_https_address_is_told() -> None:
    async with serving(GOOD) as server:
        with pytest.raises(ModelError, match="http:// instead"):
            await hear(chain_to(server.url.replace("http:", "https:")))


@pytest.mark.parametrize("url", ["", "ftp://x/v1", "http://", "http://[::1", "file:///etc/passwd", "http://a b/"])
async def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ModelError, match=r"^acme: "):
        await hear(chain_to(url))


@given(
    st.lists(st.sampled_from([b"data: a", b"data:b", b"data", b": c", b"event: x", b"", b"id: 1", b"\xff"])),
    st.data(),
)
def test_events_do_not_depend_on_how_the_bytes_were_cut(lines: list[bytes], data: st.DataObject) -> None:
    ends = [data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])) for _ in lines]
    raw = b"".join(line + end for line, end in zip(lines, ends, strict=True))
    whole = ServerSentEvents().feed(raw)
    cut = ServerSentEvents()
    size = data.draw(st.integers(1, 9))
    pieces = [event for i in range(0, len(raw), size) for event in cut.feed(raw[i : i + size])]
    assert pieces == whole


@pytest.mark.parametrize("framing", [ServerSentEvents, JsonLines])
def test_a_line_has_an_end(framing: type[ServerSentEvents | JsonLines]) -> None:
    lines = framing()
    with pytest.raises(OversizeError):
        for _ in range(20):
            lines.feed(MEGABYTE)
