"""How providers fail: one class of failure per answer that vtcode gives to it, and one sentence for the person.

kind              the chain's answer                       seen as
rate_limited      waits as told, asks again, fails over    429
overloaded        the same                                 529, 503, "overloaded"
transient         the same                                 no connection, time limit, broken stream, 408, 409, 5xx
malformed_stream  asks again, fails over                   something that is not the wire's language
not_running       fails over                               nothing listens at a local server's address
not_loaded        fails over                               a local server has not got the model ready
context_exceeded  stops: the agent compacts                400 that speaks of the context
no_tools          stops                                    a model without support for tools
auth              stops                                    401, 403
billing           stops                                    402, "insufficient_quota"
refusal           stops                                    the provider's safety system
invalid           stops                                    any other 4xx, a web page
forbidden         stops                                    a host outside providers.allow, a redirect, a data class
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

from vtcode_tui.common.errors import ModelError
from vtcode_tui.llm.shape import entry, text

Kind: TypeAlias = Literal[
    "rate_limited",
    "overloaded",
    "transient",
    "malformed_stream",
    "not_running",
    "not_loaded",
    "context_exceeded",
    "no_tools",
    "auth",
    "billing",
    "refusal",
    "invalid",
    "forbidden",
]

ASKED_AGAIN: Final[frozenset[str]] = frozenset({"rate_limited", "overloaded", "transient", "malformed_stream"})
"""Asked again on the same link, then on the next."""

PASSED_ON: Final[frozenset[str]] = ASKED_AGAIN | {"not_running", "not_loaded"}
"""Another link may answer."""

_DETAIL = 300
_LONGEST_WAIT = 3600.0


class ProviderError(ModelError):
    """One exchange failed; `retry_after` are the seconds that the provider asked for."""

    def __init__(
        self, provider: str, cause: str, kind: Kind, *, retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(f"{provider}: {cause}", kind=kind)
        self.kind: Kind = kind
        self.provider = provider
        self.cause = cause
        self.retry_after = retry_after
        self.status = status

    def with_remedy(self, command: str) -> ProviderError:
        """The same failure, with the command that fixes it in its sentence."""
        cause = f"{self.cause} (`{command}`)"
        return ProviderError(self.provider, cause, self.kind, retry_after=self.retry_after, status=self.status)


_CONTEXT = re.compile(
    r"context.{0,20}(length|window|size|limit)|prompt is too long|too many (input )?tokens|maximum.{0,20}tokens"
    r"|input.{0,30}(exceeds|too long)|exceed.{0,40}context|n_keep.{0,20}n_ctx|token count.{0,40}exceeds",
    re.IGNORECASE,
)
# The word "billing" alone says nothing: rate limits of several vendors end with a link to their billing page.
_QUOTA = re.compile(r"insufficient_quota|credit balance|billing_|payment required|out of credits", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|at capacity|server is busy|resource_exhausted.{0,20}capacity", re.IGNORECASE)
_RATE = re.compile(r"rate.?limit|too many requests|resource_exhausted", re.IGNORECASE)
_NO_TOOLS = re.compile(
    r"does not support tools|tool.{0,30}not supported|tools? (use )?is not supported"
    r"|no endpoints found that support tool|requires? --jinja|auto.{0,3} tool choice requires",
    re.IGNORECASE,
)
_NOT_LOADED = re.compile(
    r"no models? (is |are )?(currently )?loaded|model.{0,80}not loaded|failed to load model|loading model"
    r"|model.{0,80}not found, try pulling",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api.?key.{0,20}(not valid|invalid|missing)|invalid.{0,10}api.?key|authentication_error", re.IGNORECASE
)


def kind_of(status: int, detail: str) -> Kind:
    """The class of a failure from the HTTP status (200 for an error inside a stream) and the provider's words."""
    for pattern, kind in _BY_WORDS:
        if pattern.search(detail):
            return kind
    return _by_status(status, detail)


_BY_WORDS: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (_NO_TOOLS, "no_tools"),
    (_NOT_LOADED, "not_loaded"),
    (_QUOTA, "billing"),
)


def _by_status(status: int, detail: str) -> Kind:
    match status:
        case 401 | 403:
            return "auth"
        case 402:
            return "billing"
        case 429:
            return "rate_limited"
        case 503 | 529:
            return "overloaded"
        case 408 | 409:
            return "transient"
        case _ if status >= 500:
            return "overloaded" if _OVERLOADED.search(detail) else "transient"
        case 413:
            return "context_exceeded"
        case 400 | 422:
            if _CONTEXT.search(detail):
                return "context_exceeded"
            return "auth" if _KEY.search(detail) else "invalid"
        case _ if status >= 400:
            return "invalid"
    return _inside_a_stream(detail)


def _inside_a_stream(detail: str) -> Kind:
    if _OVERLOADED.search(detail):
        return "overloaded"
    if _RATE.search(detail):
        return "rate_limited"
    if _CONTEXT.search(detail):
        return "context_exceeded"
    if _KEY.search(detail):
        return "auth"
    return "invalid" if re.search(r"invalid_request|invalid_argument", detail, re.IGNORECASE) else "transient"


def detail_of(body: bytes | str) -> str:
    """What a provider says about its failure, out of the JSON that it sent or else its text, shortened."""
    said = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        value: object = json.loads(said)
    except (ValueError, RecursionError):
        return shortened(re.sub(r"<[^>]{0,200}>", " ", said))
    if isinstance(value, list) and value:
        value = value[0]
    return shortened(error_words(value) or said)


def error_words(value: object) -> str:
    """Type and message of an error object as the vendors write them; empty where there is none."""
    error = entry(value, "error", value)
    if isinstance(error, str):
        return error
    words = [text(error, key) for key in ("type", "code", "status", "message")]
    raw = text(entry(error, "metadata"), "raw")
    seen = [word for word in dict.fromkeys([*words, raw]) if word]
    return ": ".join(seen) if text(error, "message") or entry(value, "error") else ""


def shortened(said: str) -> str:
    """One line of at most 300 characters, without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in said[: 4 * _DETAIL]).split())
    return line if len(line) <= _DETAIL else line[: _DETAIL - 1] + "…"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds that a response asks to wait: Retry-After (seconds or date) or retry-after-ms; None if unsaid."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, _LONGEST_WAIT)
    said = headers.get("retry-after")
    if said is None:
        return None
    if (seconds := _number(said)) is not None:
        return min(seconds, _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - (now or datetime.now(UTC))).total_seconds()), _LONGEST_WAIT)


def retry_delay(body: bytes) -> float | None:
    """The seconds to wait that Gemini writes into the error itself (`"retryDelay": "34s"`)."""
    found = re.search(rb'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"', body)
    return min(float(found[1]), _LONGEST_WAIT) if found else None


def _number(said: str | None) -> float | None:
    try:
        value = float(said or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def sentence(status: int, kind: Kind, detail: str, model: str) -> str:
    """What happened and what to do about it, for an HTTP answer or an error inside a stream."""
    said = f" ({detail})" if detail else ""
    number = f"HTTP {status}" if status != 200 else "an error in its stream"
    match kind:
        case "auth":
            return f"the API key was not accepted, {number}{said}; check the key's environment variable"
        case "billing":
            return f"the account cannot pay for this request, {number}{said}; check the account's billing page"
        case "rate_limited":
            return f"too many requests, {number}{said}"
        case "overloaded":
            return f"overloaded, {number}{said}"
        case "context_exceeded":
            return f"the conversation is longer than the context of {model}{said}"
        case "no_tools":
            return f"{model} has no support for tools{said}; choose a model that has"
        case "not_loaded":
            return f"{model} is not loaded{said}"
        case "invalid" if status == 404:
            return f"no such model or address for {model}, HTTP 404{said}; `vtcode models` lists what there is"
        case "invalid":
            return f"the request was refused, {number}{said}"
        case _:
            return f"{number}{said}"
