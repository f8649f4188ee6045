"""The agent's side of the protocol: sessions opened, prompts run, staged changes offered at the end of a turn."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from vtcode_tui import __version__
from vtcode_tui.acp.approver import ClientApprover
from vtcode_tui.acp.content import Nesting, diff_of, prompt_of, replayed, updates_of
from vtcode_tui.acp.rpc import NoMethodError, Output, Peer, RemoteError
from vtcode_tui.agent import Opening, Session, capability_of, open_core
from vtcode_tui.common.errors import DeniedError, ModelError, UsageError, VtcodeError
from vtcode_tui.common.home import Home
from vtcode_tui.config import Loaded
from vtcode_tui.events import Event, locate
from vtcode_tui.events.live import Live, Notice
from vtcode_tui.sandbox import Spawner
from vtcode_tui.sandbox.capability import Capability
from vtcode_tui.sessions import parse, read_meta
from vtcode_tui.sessions.conversation import conversation_of

PROTOCOL = 1
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MODES: dict[str, str] = {
    "build": "Edits are staged, commands run under policy and sandbox",
    "plan": "Reads and proposes",
    "read-only": "Only reads",
}


class Loading(Protocol):
    """Reads the settings for a workspace."""

    def __call__(self, root: Path) -> Loaded:
        """The settings. Raises ConfigError."""
        ...


@dataclass(frozen=True, slots=True)
class Stage:
    """What every session of this process shares."""

    home: Home
    spawner: Spawner
    load: Loading
    choice: str = ""


class _Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class _Place(_Params):
    cwd: str
    session: str = Field(default="", alias="sessionId")


class _Prompt(_Params):
    session: str = Field(alias="sessionId")
    prompt: list[dict[str, Any]]


class _Named(_Params):
    session: str = Field(alias="sessionId")


class _Mode(_Named):
    mode: Literal["build", "plan", "read-only"] = Field(alias="modeId")


class Agent:
    """Answers a client's requests; each ACP session is a session of the core with a journal of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._capabilities: dict[tuple[str, bool], Capability] = {}
        self._sessions: dict[str, Session] = {}
        self._errors: dict[str, str] = {}
        self.peer: Peer | None = None

    async def handle(self, method: str, params: dict[str, Any]) -> Any:
        """Do one request or notification. Raises VtcodeError."""
        match method:
            case "initialize":
                return _hello()
            case "authenticate":
                return {}
            case "session/new":
                session = await self._open(_Place.model_validate(params), None)
                return {"sessionId": session.session, "modes": _modes(session)}
            case "session/load":
                return await self._load(_Place.model_validate(params))
            case "session/prompt":
                return await self._prompt(_Prompt.model_validate(params))
            case "session/cancel":
                await self._session(_Named.model_validate(params).session).interrupt()
                return None
            case "session/set_mode":
                asked = _Mode.model_validate(params)
                await self._session(asked.session).set_mode(asked.mode)
                return {}
            case _:
                raise NoMethodError(f"there is no method {method[:80]!r}")

    async def close(self) -> None:
        """End every session: what runs is killed, the journals are sealed."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close("the client went away")

    def _session(self, id: str) -> Session:
        if id not in self._sessions:
            raise UsageError(f"there is no open session {id[:80]!r}")
        return self._sessions[id]

    def _talk(self) -> Peer:
        assert self.peer is not None, "serve() sets the peer before it reads"
        return self.peer

    async def _open(self, place: _Place, resume: Path | None) -> Session:
        root = Path(place.cwd)
        if not root.is_absolute() or not root.is_dir():
            raise UsageError(f"cwd: an absolute path of a folder is needed, found {place.cwd[:200]!r}")
        root = root.resolve()
        loaded = self._stage.load(root)
        approver = ClientApprover(self._talk(), Nesting())
        reader, started = self._reader(approver)
        session = await open_core(
            Opening(
                root=root,
                home=self._stage.home,
                settings=loaded.settings,
                spawner=self._stage.spawner,
                capability=await self._capability(loaded),
                approver=approver,
                reader=reader,
                origin="acp",
                choice=self._stage.choice,
                resume=resume,
                config_sha256=loaded.sha256,
            )
        )
        refusal = _unfit(session)
        if refusal is not None:
            await session.close("refused")
            raise refusal
        approver.session = session.session
        self._sessions[session.session] = session
        started()
        return session

    async def _capability(self, loaded: Loaded) -> Capability:
        sandbox = loaded.settings.sandbox
        asked = sandbox.minimum_tier, sandbox.allow_unsandboxed
        if asked not in self._capabilities:
            self._capabilities[asked] = await capability_of(self._stage.spawner, loaded.settings)
        return self._capabilities[asked]

    def _reader(self, approver: ClientApprover) -> tuple[Callable[[Event | Live], None], Callable[[], None]]:
        """A reader that tells the client, once the client knows the session's id."""
        early: list[Event | Live] = []
        known: set[str] = set()

        def read(what: Event | Live) -> None:
            if not approver.session:
                early.append(what)
                return
            if isinstance(what, Notice) and what.severity == "error":
                self._errors[approver.session] = what.text
            for update in updates_of(what):
                id = update.get("toolCallId")
                if update["sessionUpdate"] == "tool_call":
                    known.add(update["toolCallId"])
                elif id is not None and id not in known:
                    # Work of vtcode's own, such as reading what is staged, is no call of the model.
                    continue
                self._talk().notify(
                    "session/update",
                    {"sessionId": approver.session, "update": approver.nesting.placed(what, update)},
                )

        def started() -> None:
            # The answer to session/new must arrive before the first update of that session.
            waiting, early[:] = early[:], []
            for what in waiting:
                asyncio.get_running_loop().call_soon(read, what)

        return read, started

    async def _load(self, place: _Place) -> Any:
        if not _ID.fullmatch(place.session):
            raise UsageError(f"sessionId: {place.session[:80]!r} is no session's id")
        if place.session in self._sessions:
            raise UsageError(f"the session {place.session} is open already")
        folder = locate(self._stage.home, place.session)
        if Path(read_meta(folder).workspace) != Path(place.cwd).resolve():
            raise UsageError(f"the session {place.session} belongs to another folder")
        text = folder / "session.md"
        known = conversation_of(parse(text.read_bytes()).items) if text.exists() else None
        session = await self._open(place, folder)
        for update in replayed(known.messages if known else ()):
            self._talk().notify("session/update", {"sessionId": session.session, "update": update})
        return {"modes": _modes(session)}

    async def _prompt(self, asked: _Prompt) -> Any:
        session = self._session(asked.session)
        text, pictures = prompt_of(asked.prompt)
        self._errors.pop(asked.session, None)
        if text.strip() == "/compact":
            await session.compact()
            return {"stopReason": "end_turn"}
        await session.submit(text, images=pictures)
        match session.outcome:
            case "interrupted":
                return {"stopReason": "cancelled"}
            case "stopped":
                return {"stopReason": "max_turn_requests"}
            case "done":
                await self._offer_changes(session)
                return {"stopReason": "end_turn"}
            case _:
                raise VtcodeError(self._errors.get(asked.session, "the turn failed"))

    async def _offer_changes(self, session: Session) -> None:
        """Ask whether what is staged goes to the real workspace; protected paths and conflicts wait for the app."""
        changes = await session.changes()
        chosen = [change for change in changes.files if not change.protected and not change.conflict]
        if not chosen:
            return
        named = ", ".join(change.path for change in chosen[:5]) + (" ..." if len(chosen) > 5 else "")
        rest = [change.path for change in changes.files if change not in chosen]
        told = [f"{change.op} {change.path} (+{change.added} -{change.removed})" for change in chosen]
        if rest:
            told.append(f"left staged, to be reviewed with `vtcode resume`: {', '.join(rest)}")
        content = [{"type": "content", "content": {"type": "text", "text": "\n".join(told)}}]
        shown = replace(changes, files=tuple(chosen))
        params = {
            "sessionId": session.session,
            "toolCall": {
                "toolCallId": f"changes-{changes.digest[:16]}",
                "title": f"Write {len(chosen)} changed files to the workspace: {named}",
                "kind": "edit",
                "status": "pending",
                "content": [*content, *(diff for change in shown.files if (diff := diff_of(change)))],
            },
            "options": [
                {"optionId": "accept", "name": "Write them", "kind": "allow_once"},
                {"optionId": "keep", "name": "Keep them staged", "kind": "reject_once"},
            ],
        }
        try:
            answer = await self._talk().call("session/request_permission", params)
        except RemoteError:
            return
        match answer:
            case {"outcome": {"outcome": "selected", "optionId": "accept"}}:
                # The digest is of what was shown: what changed since is not accepted with it.
                await session.accept({change.path: None for change in chosen}, changes.digest)


def _unfit(session: Session) -> VtcodeError | None:
    if not session.trusted:
        return DeniedError(f"{session.root} is not trusted, so nothing runs in it: `vtcode trust grant` trusts it")
    if not session.model:
        return ModelError("; ".join(session.looked_for) or "no model is configured", kind="not_running")
    return None


def _modes(session: Session) -> dict[str, Any]:
    modes = [{"id": id, "name": id, "description": about} for id, about in _MODES.items()]
    return {"currentModeId": session.mode, "availableModes": modes}


def _hello() -> dict[str, Any]:
    return {
        "protocolVersion": PROTOCOL,
        "agentCapabilities": {
            "loadSession": True,
            "promptCapabilities": {"image": True, "audio": False, "embeddedContext": True},
        },
        "agentInfo": {"name": "vtcode", "title": "vtcode", "version": __version__},
        "authMethods": [],
    }


async def serve(stage: Stage, reader: asyncio.StreamReader, output: Output) -> None:
    """Be an agent until the client closes its end; then every session is closed."""
    agent = Agent(stage)
    agent.peer = Peer(reader, output, agent.handle)
    try:
        await agent.peer.serve()
    finally:
        await agent.close()
