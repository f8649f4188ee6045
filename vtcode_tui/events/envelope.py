"""The envelope of every event, and what its payloads have in common."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypedDict

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

SCHEMA_VERSION = 1

Severity = Literal["info", "low", "medium", "high", "critical"]
Outcome = Literal["success", "failure", "unknown"]


class Frozen(BaseModel):
    """Closed and immutable; built when first used, so that importing the vocabulary costs little."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Actor(Frozen):
    """Who caused an event; `auth` says how a human was identified."""

    kind: Literal["human", "model", "policy", "system", "mcp"]
    id: str
    auth: Literal["os-user", "ssh-key", "sk-touch"] | None = None


SYSTEM = Actor(kind="system", id="vtcode")


class Payload(Frozen):
    """The `data` of an event. `DURABLE` ones are on disk before the call that records them returns."""

    TYPE: ClassVar[str]
    DURABLE: ClassVar[bool] = False
    SEVERITY: ClassVar[Severity] = "info"

    @model_validator(mode="wrap")
    @classmethod
    def _hostile_names(cls, given: Any, handler: ModelWrapValidatorHandler[Payload]) -> Payload:
        # A file name that is not UTF-8 arrives as lone surrogates, which JSON cannot carry. It must not be able
        # to stop a session: such bytes are written as \udcXX.
        try:
            return handler(given)
        except ValidationError as error:
            if not any(one["type"] == "string_unicode" for one in error.errors(include_url=False)):
                raise
            return handler(without_surrogates(given))


def without_surrogates(value: Any) -> Any:
    """The same value with every lone surrogate of its texts spelled out in ASCII."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {without_surrogates(key): without_surrogates(one) for key, one in value.items()}
        case list() | tuple():
            return type(value)(without_surrogates(one) for one in value)
        case _:
            return value


class Event(Frozen):
    """One line of the journal. `prev` is the SHA-256 of the previous line's raw bytes and stands last."""

    v: int = SCHEMA_VERSION
    seq: int
    id: str
    time: str
    mono_ns: int
    type: str
    severity: Severity = "info"
    outcome: Outcome = "success"
    session: str
    turn: int = 0
    call: str | None = None
    parent: str | None = None
    actor: Actor = SYSTEM
    data: SerializeAsAny[Payload]
    prev: str


class Around(TypedDict, total=False):
    """What the envelope of an event says besides its payload; what is left out has the default of `Event`."""

    turn: int
    call: str | None
    actor: Actor
    severity: Severity | None
    outcome: Outcome
    parent: str | None


_FIELDS = set(Event.model_fields)
_put, _new = object.__setattr__, object.__new__


def quick_event(fields: dict[str, Any]) -> Event:
    """An event of values that are known to be right: what `model_construct` does, without its generality."""
    event = _new(Event)
    _put(event, "__dict__", fields)
    _put(event, "__pydantic_fields_set__", _FIELDS)
    _put(event, "__pydantic_extra__", None)
    _put(event, "__pydantic_private__", None)
    return event
