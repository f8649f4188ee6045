"""`vtcode selftest`: the attacks and workloads against this machine's own kernel, with the containment matrix."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.sandbox import Spawner
    from vtcode_tui.sandbox.selftest.suite import Control, Result

EXAMPLE = """  vtcode selftest                    every attack and workload in every tier of this machine
  vtcode selftest --only socket      those whose name or group holds the word
  vtcode selftest --no-control       do not run the attacks without a sandbox first"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--only", default="", metavar="WORD", help="attacks and workloads whose name holds this")
    parser.add_argument(
        "--tier", action="append", choices=["full", "staged", "kernel"], help="default: all there are"
    )
    parser.add_argument(
        "--no-control",
        action="store_true",
        help="skip the proof that each attack works without a sandbox (it touches throw-away files only)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per result")


def run(given: argparse.Namespace) -> int:
    """Attack, work, and print the matrix; 1 when anything got out or any workload broke."""
    return asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> int:
    from vtcode_tui.sandbox import Spawner, probe
    from vtcode_tui.sandbox.selftest import suite

    planted: dict[str, str] = {}
    suite.plant(planted)
    os.environ.update(planted)
    control = None if given.no_control else suite.Control()
    spawner = Spawner.start()
    try:
        capability = await probe(spawner)
        if capability.tier == "none":
            print(f"vtcode: no sandbox here: {'; '.join(capability.degraded)}", file=sys.stderr)
            return 4
        there = ["full", "staged", "kernel"] if capability.staging else [capability.tier]
        there = ["full", "kernel"] if capability.tier == "full" and not capability.staging else there
        modes = [mode for mode in there if not given.tier or mode in given.tier]
        results = await _attack(spawner, control, modes, given.only, as_json=given.json)
        broken = await _work(spawner, modes, given.only, as_json=given.json)
    finally:
        await spawner.close()
        if control is not None:
            control.close()
    if not given.json:
        _matrix(results, modes)
    return 1 if broken or any(r.verdict in ("BREACH", "no sandbox") for _mode, r in results) else 0


async def _attack(
    spawner: Spawner, control: Control | None, modes: Sequence[str], only: str, *, as_json: bool
) -> list[tuple[str, Result]]:
    from dataclasses import replace

    from vtcode_tui.sandbox.selftest import suite
    from vtcode_tui.sandbox.selftest.table import all_attacks

    results = []
    for attack in all_attacks():
        if only not in attack.id:
            continue
        proven, reason = (["not asked"], "") if control is None else control.proof(attack)
        for mode in modes:
            spawner.tier = "kernel" if mode == "kernel" else "full"
            result = await suite.attempt(spawner, attack, staged=mode == "staged")
            if result.verdict == "contained" and not proven:
                result = replace(result, verdict="not provable here", reason=reason)
            results.append((mode, result))
            if as_json:
                shown = {"attack": attack.id, "mode": mode, "verdict": result.verdict, "breaches": result.breaches}
                shown |= {"reason": result.reason} if result.reason else {}
                print(json.dumps(shown), flush=True)
            elif result.verdict in ("BREACH", "no sandbox"):
                print(
                    f"{result.verdict}: {attack.id} in {mode}: {', '.join(result.breaches) or result.output[:120]}"
                )
    return results


async def _work(spawner: Spawner, modes: Sequence[str], only: str, *, as_json: bool) -> int:
    from vtcode_tui.sandbox.selftest.workloads import WORKLOADS, carry_out

    broken = 0
    counts: Counter[tuple[str, str]] = Counter()
    for workload in WORKLOADS:
        if only not in f"workload: {workload.name}":
            continue
        for mode in modes:
            spawner.tier = "kernel" if mode == "kernel" else "full"
            verdict, said = await carry_out(spawner, workload, staged=mode == "staged")
            counts[mode, verdict] += 1
            broken += verdict == "broken"
            if as_json:
                print(json.dumps({"workload": workload.name, "mode": mode, "verdict": verdict}), flush=True)
            elif verdict == "broken":
                print(f"broken: {workload.name} in {mode}: {said.strip()[-300:]}")
    if not as_json and counts:
        print("\nworkloads" + "".join(f"\n  {mode:<8} {verdict:<10} {n}" for (mode, verdict), n in counts.items()))
    return broken


def _matrix(results: Sequence[tuple[str, Result]], modes: Sequence[str]) -> None:
    """Of each group: how many of the attacks that are proven to work here were contained, and how many are not."""
    groups = dict.fromkeys(result.attack.group for _mode, result in results)
    if not groups:
        return
    print(
        f"\n{'contained of proven':<20}" + "".join(f"{mode:>18}" for mode in modes) + f"{'not provable here':>22}"
    )
    for group in [*groups, ""]:
        of_group = [(mode, r) for mode, r in results if r.attack.group == group or not group]
        row = f"{group or 'all':<20}"
        for mode in modes:
            seen = Counter(r.verdict for m, r in of_group if m == mode)
            proven = sum(seen.values()) - seen["not provable here"]
            notes = f" ({seen['known']} known)" if seen["known"] else ""
            row += f"{seen['contained']}/{proven}{notes}".rjust(18)
        print(row + f"{len(_unproven(of_group)) or '':>22}")
    _reasons(results)


def _unproven(results: Sequence[tuple[str, Result]]) -> dict[str, tuple[str, str]]:
    """The attacks that show nothing on this machine, with group and reason."""
    return {r.attack.id: (r.attack.group, r.reason) for _m, r in results if r.verdict == "not provable here"}


def _reasons(results: Sequence[tuple[str, Result]]) -> None:
    unproven = Counter(_unproven(results).values())
    if unproven:
        print("\nnot provable here: these come to nothing without a sandbox too, for this reason")
    for (group, reason), count in unproven.items():
        print(f"  {group:<18}{count:>4}  {reason}")
