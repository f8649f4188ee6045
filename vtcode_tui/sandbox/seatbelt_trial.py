"""Whether tier `seatbelt` holds on this Mac, found out by trying to break out of it.

That `sandbox-exec` is present proves nothing: Apple calls it deprecated and gives no promise about its language.
The tier is reached when a worker could work and every attempt of `selftest.breakout_mac` failed. Not run by us.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from pathlib import Path

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.capability import Capability, Finding
from vtcode_tui.sandbox.profile import Limits, Profile
from vtcode_tui.sandbox.spawner import Spawner

_BREAKOUT = "vtcode_tui.sandbox.selftest.breakout_mac"
_REMEDY = (
    "no other sandbox exists on macOS: run vtcode in a Linux container or virtual machine, and see docs/sandbox.md"
)


async def probe(spawner: Spawner) -> Capability:
    """Leave the spawner at tier `seatbelt` where that holds, otherwise at `none`, and say why."""
    spawner.tier = "seatbelt"
    with tempfile.TemporaryDirectory(prefix="vtcode-probe-") as folder:
        problem = await _holds(spawner, Path(folder).resolve())
    detail = problem or "withstood every attempt to break out (experimental: the authors had no Mac at hand)"
    spawner.tier = "none" if problem else "seatbelt"
    return Capability(spawner.tier, (Finding("seatbelt", not problem, detail, _REMEDY if problem else ""),))


async def _holds(spawner: Spawner, place: Path) -> str:
    """An empty text when the tier holds, otherwise why it does not."""
    workspace, canary = place / "w", place / "canary"
    protected, hidden = workspace / "p" / "file", workspace / "hidden"
    protected.parent.mkdir(parents=True)
    for made in (canary, protected, hidden):
        made.write_text("as it was")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        named = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        named.bind(str(place / "s"))
        named.listen()
        arguments: dict[str, object] = {
            "canary": str(canary),
            "inside": str(workspace / "made"),
            "protected": str(protected),
            "hidden": str(hidden),
            "port": listener.getsockname()[1],
            "named": str(place / "s"),
            "pid": os.getpid(),
        }
        profile = Profile(
            "self-test",
            workspace,
            writable=(workspace,),
            protected=(protected,),
            hidden=(hidden,),
            limits=Limits(wall_seconds=20.0),
        )
        try:
            outcome, output = await spawner.self_test(_BREAKOUT, "attempt", arguments, profile)
        except SandboxError as error:
            return str(error)
    if outcome.setup_error:
        return outcome.setup_error
    answer = outcome.result or {}
    escaped = [*answer.get("escaped", ()), *(["make a file outside"] if Path(f"{canary}.d").exists() else [])]
    if escaped:
        return f"the self-test could {', '.join(escaped)}"
    if answer.get("wrote"):
        return ""
    return f"the self-test could not work in its own workspace ({outcome}): {output[-500:]}"
