# ruff: noqa: E501 - tables
from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtcode_tui.sandbox.destinations import Allowed, Destination, is_public, read_authority, read_host
from vtcode_tui.sandbox.proxy import Connection, Proxy


@pytest.mark.parametrize(
    ("pattern", "host", "port", "allowed"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "example.com", 22, False),
        ("example.com", "EXAMPLE.com.", 443, True),
        ("example.com", "a.example.com", 443, False),
        ("example.com", "example.com.evil.test", 443, False),
        ("example.com", "badexample.com", 443, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "xexample.com", 443, False),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:8443", "example.com", 443, False),
        ("[::1]:80", "[::1]", 80, True),
        ("192.0.2.1", "192.0.2.1", 80, True),
    ],
)
def test_which_destination_a_pattern_opens(pattern: str, host: str, port: int, allowed: bool) -> None:
    assert (Destination(read_host(host), port) in Allowed([pattern])) is allowed


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a..b", "exa mple.com", "example.com\0.evil.test", "user@example.com", "example.com%2e", "exämple.com",
        "127.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "1.2.3.4.5", "-a.com", "[::1", "::1", "a/b", "a\\b", "a#b",
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_host(text)


@pytest.mark.parametrize("text", ["a.com", "a.com:", "a.com:0", "a.com:65536", "a.com:８０", "a.com:80:90", ":80"])
def test_what_is_not_plainly_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_authority(text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1",
        "fd00:ec2::254", "2001:0:53aa:64c::1", "192.0.2.1", "198.18.0.1", "ff02::1",
    ],
)  # fmt: skip
def test_no_private_address_is_public_in_whatever_form(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.text())
def test_reading_a_host_never_fails_in_another_way(text: str) -> None:
    try:
        name = read_host(text)
    except ValueError:
        return
    assert read_host(name if ":" not in name else f"[{name}]") == name


class Upstream:
    """A server on loopback that plays every host of the world."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


class Setup:
    def __init__(self, proxy: Proxy, decided: list[Connection], looked_up: list[str]) -> None:
        self.proxy = proxy
        self.decided = decided
        self.looked_up = looked_up

    async def ask(self, request: str, *, token: bool = True) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        credentials = self.proxy.url.removeprefix("http://").split("@")[0]
        header = (
            f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}\r\n" if token else ""
        )
        first, _, rest = request.partition("\r\n")
        writer.write(f"{first}\r\n{header}{rest}".encode())
        answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture
async def setup(upstream: Upstream) -> AsyncIterator[Setup]:
    decided: list[Connection] = []
    looked_up: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        looked_up.append(host)
        if host == "absent.test":
            raise OSError("no such name")
        return {"rebound.test": ["10.0.0.1"], "mixed.test": ["127.0.0.1", "10.0.0.1"]}.get(host, ["127.0.0.1"])

    port = upstream.port
    hosts = [f"{name}:{port}" for name in ("good.test", "rebound.test", "mixed.test", "absent.test")]
    # Loopback stands for the internet here; everything else is judged as in life.
    proxy = Proxy(hosts, decided.append, resolve=resolve, reachable=lambda a: a.is_loopback or is_public(a))
    await proxy.start()
    yield Setup(proxy, decided, looked_up)
    await proxy.close()


async def test_an_allowed_host_is_reached_by_plain_http_with_its_own_name(setup: Setup, upstream: Upstream) -> None:
    answer = await setup.ask(
        f"GET http://good.test:{upstream.port}/path?q HTTP/1.1\r\nHost: evil.test\r\nProxy-Connection: x\r\n\r\n"
    )
    assert answer.endswith(b"hello")
    head = upstream.requests[0]
    assert head.startswith("GET /path?q HTTP/1.1\r\n")
    assert f"Host: good.test:{upstream.port}\r\n" in head
    assert "evil" not in head
    assert "proxy" not in head.lower()


async def test_an_allowed_host_is_reached_through_connect(setup: Setup, upstream: Upstream) -> None:
    target = f"good.test:{upstream.port}"
    answer = await setup.ask(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"hello")
    assert [(c.host, c.allowed) for c in setup.decided] == [("good.test", True)]


@pytest.mark.parametrize("host", ["evil.test", "good.test.evil.test", "sub.good.test", "127.0.0.1", "localhost"])
async def test_another_host_is_refused_without_being_looked_up(setup: Setup, upstream: Upstream, host: str) -> None:
    answer = await setup.ask(f"CONNECT {host}:{upstream.port} HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert setup.looked_up == []
    assert upstream.requests == []


@pytest.mark.parametrize("host", ["rebound.test", "mixed.test"])
async def test_a_name_that_leads_to_a_private_address_is_refused(
    setup: Setup, upstream: Upstream, host: str
) -> None:
    answer = await setup.ask(f"CONNECT {host}:{upstream.port} HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"private" in answer


async def test_another_port_of_an_allowed_host_is_refused(setup: Setup, upstream: Upstream) -> None:
    assert (await setup.ask("CONNECT good.test:22 HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 403")


async def test_without_the_token_nothing_passes(setup: Setup, upstream: Upstream) -> None:
    answer = await setup.ask(f"CONNECT good.test:{upstream.port} HTTP/1.1\r\n\r\n", token=False)
    assert answer.startswith(b"HTTP/1.1 407")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/1.1", "GET ftp://good.test/ HTTP/1.1", "CONNECT good.test HTTP/1.1", "CONNECT good.test:443",
        "GET http://a@good.test/ HTTP/1.1", "GET http://good.test\\@evil.test/ HTTP/1.1", "x", "CONNECT\tgood.test:443 HTTP/1.1",
    ],
)  # fmt: skip
async def test_nonsense_is_refused(setup: Setup, upstream: Upstream, request_line: str) -> None:
    answer = await setup.ask(f"{request_line}\r\n\r\n")
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 403")
    assert upstream.requests == []


async def test_a_second_request_on_the_connection_does_not_reach_the_server(
    setup: Setup, upstream: Upstream
) -> None:
    target = f"http://good.test:{upstream.port}/"
    await setup.ask(f"GET {target} HTTP/1.1\r\n\r\nGET {target}second HTTP/1.1\r\nHost: evil.test\r\n\r\n")
    assert len(upstream.requests) == 1
    assert "second" not in upstream.requests[0]


async def test_a_name_that_does_not_exist_is_a_clear_refusal(setup: Setup, upstream: Upstream) -> None:
    answer = await setup.ask(f"CONNECT absent.test:{upstream.port} HTTP/1.1\r\n\r\n")
    assert b"looked up" in answer
