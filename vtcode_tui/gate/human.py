"""Commands that a human typed for the sandbox on vtcode's own command line: the typing is the approval."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from vtcode_tui.common.errors import UsageError
from vtcode_tui.sandbox.env import search_path
from vtcode_tui.sandbox.grant import Execute, Grant, Invoke, Work
from vtcode_tui.sandbox.profile import Profile

_GOOD_FOR_NS = 60_000_000_000


def human_grant(words: Sequence[str], cwd: Path, profile: Profile) -> Grant:
    """The grant for `vtcode sandbox run -- WORDS`: no model asked for it, and no rule is remembered from it.

    Raises UsageError when the first word is no program on a PATH that leaves the workspace's own folders out.
    """
    found = shutil.which(words[0], path=search_path(os.environ, profile.workspace))
    if found is None:
        raise UsageError(f"{words[0]} is not a program on PATH; give its path to run one of this folder")
    return _granted(Execute(tuple(words), Path(found).absolute()), list(words), cwd, profile)


def human_look(work: Invoke, cwd: Path, profile: Profile) -> Grant:
    """The grant for a worker of vtcode that a human asked for and that only looks (`vtcode symbols`, `outline`).

    Raises UsageError when the profile would let it write.
    """
    if profile.writable or profile.network.mode != "off":
        raise UsageError("a command that only looks is not given the right to write or to reach the network")
    return _granted(work, [work.module, work.function, work.arguments], cwd, profile)


def _granted(work: Work, subject: list[str], cwd: Path, profile: Profile) -> Grant:
    text = json.dumps([subject, str(cwd), profile.digest], ensure_ascii=True)
    return Grant(
        nonce=secrets.token_hex(16),
        call="human",
        subject_sha256=hashlib.sha256(text.encode()).hexdigest(),
        work=work,
        cwd=cwd,
        profile=profile,
        expires_ns=time.monotonic_ns() + _GOOD_FOR_NS,
    )
