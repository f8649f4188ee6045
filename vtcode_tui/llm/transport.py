"""HTTP to models: the only module that imports httpx, and the only one that opens sockets.

Nothing is contacted that `Hosts` does not permit, redirects are never followed, a response is read in bounded
memory, and leaving the `async with` closes the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx

from vtcode_tui import __version__
from vtcode_tui.llm.endpoint import Hosts, is_loopback
from vtcode_tui.llm.failure import ProviderError, detail_of, kind_of, sentence

CONNECT_SECONDS = 15.0
LARGEST_PLAIN_ANSWER = 4 * 1024 * 1024
_LARGEST_ERROR = 64 * 1024
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response whose body is still to be read."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def body(self, most: int = _LARGEST_ERROR) -> bytes:
        """The body up to a size; the rest is not read."""
        pieces: list[bytes] = []
        size = 0
        async for chunk in self.chunks:
            pieces.append(chunk[: most - size])
            size += len(pieces[-1])
            if size >= most:
                break
        return b"".join(pieces)


class Transport:
    """Keeps one pool of connections per origin; belongs to one event loop."""

    def __init__(self, hosts: Hosts, environ: Mapping[str, str] = _NOTHING) -> None:
        self._hosts = hosts
        self._environ = environ
        self._clients: dict[str, httpx.AsyncClient] = {}

    @contextlib.asynccontextmanager
    async def post(
        self, provider: str, url: str, headers: Mapping[str, str], body: object, *, first_byte: float, idle: float
    ) -> AsyncIterator[Answer]:
        """Send JSON and yield the response. Raises ProviderError for everything that goes wrong on the way."""
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        sent = {"content-type": "application/json", **headers}
        async with self._exchange(provider, "POST", url, sent, raw, first_byte=first_byte, idle=idle) as answer:
            yield answer

    async def get_json(self, provider: str, url: str, headers: Mapping[str, str], *, seconds: float) -> object:
        """A small JSON document. Raises ProviderError, also when it is none."""
        return await self._small(provider, "GET", url, headers, b"", seconds)

    async def post_json(
        self, provider: str, url: str, headers: Mapping[str, str], body: object, *, seconds: float
    ) -> object:
        """The small JSON answer to a JSON body. Raises ProviderError, also when it is none."""
        sent = {"content-type": "application/json", **headers}
        return await self._small(provider, "POST", url, sent, json.dumps(body).encode(), seconds)

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def _small(
        self, provider: str, method: str, url: str, headers: Mapping[str, str], raw: bytes, seconds: float
    ) -> object:
        try:
            async with (
                asyncio.timeout(seconds),
                self._exchange(provider, method, url, headers, raw, first_byte=seconds, idle=seconds) as answer,
            ):
                said = await answer.body(LARGEST_PLAIN_ANSWER)
        except TimeoutError:
            raise ProviderError(
                provider, f"no answer from {_place(url)} within {seconds:g} s", "transient"
            ) from None
        if answer.status != 200:
            raise _refused(provider, url, answer, said)
        try:
            value: object = json.loads(said)
        except (ValueError, RecursionError):
            raise ProviderError(provider, f"{_place(url)} did not answer with JSON", "malformed_stream") from None
        return value

    @contextlib.asynccontextmanager
    async def _exchange(
        self,
        provider: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        raw: bytes,
        *,
        first_byte: float,
        idle: float,
    ) -> AsyncIterator[Answer]:
        client = self._client(provider, url)
        # Without compression a small body cannot unfold to a large one.
        always = {"user-agent": f"vtcode/{__version__}", "accept-encoding": "identity"}
        try:
            request = client.build_request(method, url, headers={**always, **headers}, content=raw)
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError) as error:
            raise ProviderError(
                provider, f"{url!r} or a header for it cannot be used: {error}", "invalid"
            ) from None
        with _told(provider, url):
            try:
                async with asyncio.timeout(first_byte):
                    response = await client.send(request, stream=True)
            except TimeoutError:
                cause = f"no answer from {_place(url)} within {first_byte:g} s"
                raise ProviderError(provider, cause, "transient") from None
        chunks = _chunks(response, provider, url, first_byte, idle)
        try:
            with _told(provider, url):
                self._check(provider, url, response)
                yield Answer(response.status_code, response.headers, chunks)
        finally:
            await chunks.aclose()
            await response.aclose()

    @staticmethod
    def _check(provider: str, url: str, response: httpx.Response) -> None:
        if 300 <= response.status_code < 400:
            target = response.headers.get("location", "")
            where = _place(target) if urlsplit(target).netloc else "another address"
            raise ProviderError(
                provider,
                f"{_place(url)} redirects to {where}, which is not followed: correct base_url if that is meant",
                "forbidden",
                status=response.status_code,
            )
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", ""}:
            raise ProviderError(
                provider, f"a compressed answer ({encoding[:20]}) that was not asked for", "invalid"
            )

    def _client(self, provider: str, url: str) -> httpx.AsyncClient:
        if not self._hosts.permits(url):
            raise ProviderError(
                provider, f"{_place(url)} is not one of the hosts in providers.allow ({self._hosts})", "forbidden"
            )
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ProviderError(provider, f"{url!r} is not an address of the form https://host/path", "invalid")
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._clients:
            proxy = proxy_for(url, self._environ)
            if proxy and not self._hosts.permits(proxy):
                raise ProviderError(
                    provider,
                    f"the proxy {_place(proxy)} is not one of the hosts in providers.allow ({self._hosts})",
                    "forbidden",
                )
            self._clients[origin] = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                proxy=proxy or None,
                verify=self._trust("https" if proxy.startswith("https:") else parts.scheme),
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=60),
            )
        return self._clients[origin]

    def _trust(self, scheme: str) -> ssl.SSLContext:
        if scheme == "http":
            # Loading the certificates costs 20 ms; a context without any trusts nobody.
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        file, folder = self._environ.get("SSL_CERT_FILE"), self._environ.get("SSL_CERT_DIR")
        if file or folder:
            return ssl.create_default_context(cafile=file or None, capath=folder or None)
        return httpx.create_ssl_context(trust_env=False)


def proxy_for(url: str, environ: Mapping[str, str]) -> str:
    """The proxy that the environment names for this address; never one for this machine or a NO_PROXY host."""
    if is_loopback(url):
        return ""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if any(_covers(entry.strip().lower(), host) for entry in _variable(environ, "no_proxy").split(",")):
        return ""
    proxy = _variable(environ, f"{parts.scheme}_proxy") or _variable(environ, "all_proxy")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _covers(entry: str, host: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        return False
    name = entry.partition(":")[0].lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


async def _chunks(
    response: httpx.Response, provider: str, url: str, first_byte: float, idle: float
) -> AsyncGenerator[bytes, None]:
    source = response.aiter_raw()
    seconds = first_byte
    while True:
        try:
            async with asyncio.timeout(seconds):
                with _told(provider, url):
                    chunk = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ProviderError(provider, f"{_place(url)} went silent for {seconds:g} s", "transient") from None
        yield chunk
        seconds = idle


@contextlib.contextmanager
def _told(provider: str, url: str) -> Generator[None]:
    """Turn what httpx raises into one sentence."""
    try:
        yield
    except httpx.ConnectError as error:
        raise _unreachable(provider, url, error) from None
    except httpx.ConnectTimeout:
        cause = f"no connection to {_place(url)} within {CONNECT_SECONDS:g} s"
        raise ProviderError(provider, cause, "transient") from None
    except httpx.ProxyError as error:
        raise ProviderError(provider, f"the proxy refused: {error}", "transient") from None
    except (httpx.HTTPError, httpx.StreamError, ssl.SSLError, OSError) as error:
        cause = f"the connection to {_place(url)} broke ({str(error)[:200] or type(error).__name__})"
        raise ProviderError(provider, cause, "transient") from None


def _unreachable(provider: str, url: str, error: httpx.ConnectError) -> ProviderError:
    place, said = _place(url), str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said or "certificate" in said.lower():
        return ProviderError(provider, f"the certificate of {place} {_wrong_with(said)}", "forbidden")
    if "SSL" in said or "WRONG_VERSION" in said:
        return ProviderError(provider, f"no TLS with {place} ({said[:200]}); is it http:// instead?", "invalid")
    if is_loopback(url):
        return ProviderError(provider, f"nothing listens at {place}: the server is not running", "not_running")
    return ProviderError(provider, f"{place} cannot be reached ({said[:200]})", "transient")


def _wrong_with(said: str) -> str:
    """What OpenSSL found wrong with a certificate, and what may help."""
    cause = said.partition("verify failed: ")[2].partition(" (_ssl")[0][:200] or said[:200]
    trusted = "issuer" not in cause and "self" not in cause and "signed" not in cause
    remedy = "" if trusted else "; for an authority of your own set SSL_CERT_FILE"
    return f"is refused: {cause.rstrip('.')}{remedy}"


def _refused(provider: str, url: str, answer: Answer, said: bytes) -> ProviderError:
    detail = detail_of(said)
    kind = kind_of(answer.status, detail)
    return ProviderError(provider, sentence(answer.status, kind, detail, _place(url)), kind, status=answer.status)


def _place(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or url[:80]
    return f"{host}:{parts.port}" if parts.port else host
