"""What the kernel will enforce for a run: from settings, workspace and decision, never from the model."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vtcode_tui.common.errors import ConfigError
from vtcode_tui.common.home import home_of_user
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.gate.plan import ACCEPT, Plan
from vtcode_tui.policy.types import Access, Decision, FileState
from vtcode_tui.sandbox.env import passed, search_path
from vtcode_tui.sandbox.grant import Execute
from vtcode_tui.sandbox.profile import Limits, Network, Profile, Staging

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that profiles are made from; one per session, replaced when trust or layer change."""

    root: Path
    settings: Sandbox
    environ: Mapping[str, str]
    own: tuple[Path, ...] = ()
    """vtcode's own folders: no setting makes them readable."""
    protected: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    staging: Staging | None = None
    folder: Path | None = None
    """The session's own folder with its layer or ledger, for vtcode's own workers."""
    readable: tuple[Path, ...] = field(default=())
    """More roots that every run may read, beyond the settings' own."""

    def __call__(self, plan: Plan, decision: Decision) -> Profile:
        """The profile of a planned run."""
        if plan.call.tool == ACCEPT:
            return self.real("accept", plan)
        executes = isinstance(plan.work, Execute)
        hosts = open_hosts(decision.hosts) if executes else ()
        profile = self.profile(
            "workspace" if plan.writes else "read-only",
            writable=(self.root, *configured(self.settings.write, self.own)) if plan.writes else (),
            hosts=hosts,
            staging=self.staging,
            executes=executes,
            wall_seconds=plan.wall_seconds,
        )
        if executes or not plan.call.access.writes:
            return profile
        # An edit of a protected file was approved by that file's name; only vtcode's own worker runs under this.
        return replace(profile, protected=_but_for(self.protected, plan.call.access))

    def real(self, name: str, plan: Plan) -> Profile:
        """The profile of what the human accepted: the real workspace, and the files of the change set by name."""
        own = (self.folder,) if self.folder is not None else ()
        profile = self.profile(name, writable=(self.root, *own), staging=None, executes=False, wall_seconds=300.0)
        return replace(profile, protected=_but_for(self.protected, plan.call.access))

    def within(self, name: str, paths: Collection[str]) -> Profile:
        """The profile of vtcode's own worker that brings these paths back in what runs see."""
        profile = self.profile(
            name, writable=(self.root,), staging=self.staging, executes=False, wall_seconds=300.0
        )
        own = (self.folder,) if self.folder is not None else ()
        access = Access(writes=tuple(FileState(self.root / path, None) for path in paths))
        return replace(profile, readable=(*profile.readable, *own), protected=_but_for(self.protected, access))

    def profile(
        self,
        name: str,
        *,
        writable: tuple[Path, ...],
        staging: Staging | None,
        executes: bool,
        hosts: tuple[str, ...] = (),
        wall_seconds: float | None = None,
    ) -> Profile:
        """Put a profile together from what is known of this session."""
        readable = (*self.readable, *configured(self.settings.read, self.own))
        return Profile(
            name=name,
            workspace=self.root,
            writable=writable,
            readable=readable if self.root in writable else (self.root, *readable),
            protected=self.protected,
            hidden=self.hidden,
            network=Network("hosts", hosts) if hosts else Network(),
            limits=limits_of(self.settings, wall_seconds),
            environment=environment(self.environ, self.settings, self.root) if executes else {},
            debug=self.settings.debug and executes,
            staging=staging,
        )


def _but_for(protected: tuple[Path, ...], access: Access) -> tuple[Path, ...]:
    written = [state.path for state in access.writes]
    return tuple(path for path in protected if not any(path == one or path in one.parents for one in written))


def environment(environ: Mapping[str, str], settings: Sandbox, root: Path) -> dict[str, str]:
    """The scrubbed environment of a command."""
    kept = passed(environ, names=settings.pass_environment, secrets=settings.pass_secrets)
    return {"LANG": "C.UTF-8", **kept, "PATH": search_path(environ, root), "TERM": "xterm-256color"}


def limits_of(settings: Sandbox, wall_seconds: float | None) -> Limits:
    """The limits of a run; a tool's own time limit can only shorten the configured one."""
    seconds = settings.wall_seconds if wall_seconds is None else min(wall_seconds, settings.wall_seconds)
    return Limits(
        processes=settings.processes,
        memory=settings.memory_mb * _MIB,
        file_size=settings.file_size_mb * _MIB,
        disk=settings.disk_mb * _MIB,
        output=settings.output_mb * _MIB,
        wall_seconds=seconds,
    )


def configured(paths: tuple[str, ...], own: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders that the user's configuration names; raises ConfigError for one that would open vtcode's own."""
    found = []
    for text in paths:
        path = Path(text).expanduser()
        if not path.is_absolute():
            raise ConfigError(f"sandbox.read and sandbox.write take absolute paths or ~/..., not {text!r}")
        real = path.resolve()
        if real == Path("/") or real == home_of_user() or any(o == real or real in o.parents for o in own):
            raise ConfigError(
                f"{text!r} in the sandbox settings would open vtcode's own files or a whole home folder"
            )
        if real.exists():
            found.append(real)
    return tuple(found)


def open_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Those hosts that an approval may open: names of the internet, no addresses, nothing of this machine."""
    return tuple(host for host in hosts if _public(host))


def _public(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "." in name and not name.endswith((".localhost", ".local", ".internal", ".lan"))
    return False
