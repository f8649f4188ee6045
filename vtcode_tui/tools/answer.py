"""From the outcome of sandboxed work to what the model reads: one clear sentence for everything that went wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from vtcode_tui.sandbox.grant import Invoke
from vtcode_tui.sandbox.run import Denial, Outcome
from vtcode_tui.tools.tool import Result

_MOST = 8
"""Refusals that are told one by one."""


def invoke(module: str, function: str, /, **arguments: Any) -> Invoke:
    """The work of calling a worker function with these arguments."""
    return Invoke(module, function, json.dumps(arguments))


def decoded(data: bytes) -> str:
    """Output as text; bytes that are not UTF-8 stay visible as escapes."""
    return data.decode("utf-8", "backslashreplace")


def failed(text: str, summary: str = "") -> Result:
    """An error for the model, in one sentence."""
    return Result(text, summary or text, "error")


def problem(outcome: Outcome) -> str:
    """Why a worker did not do its work, in one sentence; empty when it did."""
    if outcome.setup_error:
        return f"The sandbox did not start the work: {outcome.setup_error}."
    if outcome.limit:
        return f"The work was stopped by a limit: {outcome.limit}."
    if outcome.killed:
        return f"The work was ended: {outcome.killed}."
    answer = outcome.result
    if answer is None:
        return f"The work failed inside the sandbox (exit {outcome.exit_code}, signal {outcome.signal})."
    return str(answer.get("error", ""))


def refusals(denials: tuple[Denial, ...]) -> str:
    """What the sandbox refused, for the model: what, why, what would change it, and that retrying will not.

    What only people may hear, namely that something exists outside, is left out.
    """
    certain = [denial for denial in denials if denial.audience == "all"]
    unseen = [denial for denial in denials if denial.audience == "model"]
    told = _listed("The sandbox refused, and will refuse again:", [_refused(denial) for denial in certain])
    guessed = [denial.detail + (f" ({denial.remedy})" if denial.remedy else "") for denial in unseen]
    return "\n".join(filter(None, [told, _listed("Not visible to a run, whether it exists or not:", guessed)]))


def _refused(denial: Denial) -> str:
    times = f", {denial.count} times" if denial.count > 1 else ""
    remedy = f"; {denial.remedy}" if denial.remedy else ""
    return f"{denial.kind}: {denial.detail} (refused by {denial.layer}{times}{remedy})"


def _listed(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    more = [f"- and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return f"[{title}\n" + "\n".join([*(f"- {line}" for line in lines[:_MOST]), *more]) + "]"


def with_refusals(result: Result, outcome: Outcome) -> Result:
    """The same result with what the sandbox refused stated at its end."""
    text = refusals(outcome.denials)
    return replace(result, text=f"{result.text}\n{text}".lstrip("\n")) if text else result


def shorten(data: bytes, head: int, tail: int, how_to_read_more: str) -> tuple[bytes, bool]:
    """The start and the end of long output, cut at line ends, with a line between that says what is missing."""
    if len(data) <= head + tail:
        return data, False
    start, end = data[:head], data[-tail:]
    start = start[: start.rfind(b"\n") + 1] or start
    end = end[end.find(b"\n") + 1 :] or end
    left = len(data) - len(start) - len(end)
    note = f"\n[... {left:,} bytes left out. {how_to_read_more} ...]\n".encode()
    return start.rstrip(b"\n") + note + end, True
