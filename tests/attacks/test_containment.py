"""The attacks of the table, with and without staging, in every tier: contained, or known and documented.

By default each mode takes another third of every group, so that the three together carry out the whole table once;
`make attacks` (VTCODE_ATTACKS=all) carries out all of it in each.
"""

from __future__ import annotations

import contextlib
import os
from itertools import groupby
from pathlib import Path

import pytest

from tests.attacks.conftest import Proof
from vtcode_tui.sandbox import Spawner
from vtcode_tui.sandbox.selftest import suite
from vtcode_tui.sandbox.selftest.table import Attack, all_attacks

pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(600)]

GROUPS: dict[str, list[Attack]] = {}
for group, members in groupby(all_attacks(), key=lambda attack: attack.group):
    GROUPS.setdefault(group, []).extend(members)

MODES = ("full", "staged", "kernel")
ALL = os.environ.get("VTCODE_ATTACKS") == "all"

LEAST_PROVEN = {
    "read": 50,
    "write": 60,
    "tcp": 8,
    "udp": 4,
    "unix socket": 15,
    "signal": 6,
    "stay": 9,
    "protected": 35,
}
"""How many attacks of a group must work without a sandbox, or the group shows nothing."""


def _taken(group: str, mode: str) -> list[Attack]:
    """The attacks of a group that a mode carries out."""
    return GROUPS[group] if ALL else GROUPS[group][MODES.index(mode) :: len(MODES)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group", GROUPS)
async def test_no_attack_of_the_group_gets_out(
    group: str, mode: str, attacked: Spawner, proof: Proof, tmp_path: Path
) -> None:
    got_out = []
    for attack in _taken(group, mode):
        result = await suite.attempt(attacked, attack, staged=mode == "staged", base=tmp_path)
        if result.verdict in ("BREACH", "no sandbox"):
            got_out.append((attack.id, result.verdict, result.breaches, result.output[-200:]))
    assert got_out == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_attacks_of_the_group_work_without_a_sandbox(group: str, proof: Proof, tmp_path: Path) -> None:
    proven = [attack.id for attack in GROUPS[group] if proof.of(attack, tmp_path)]
    assert len(proven) >= LEAST_PROVEN.get(group, 1), proven


def _of_this_test() -> dict[str, bytes]:
    """Processes with the secret that this process plants, by number."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and suite.SECRET.encode() in (entry / "environ").read_bytes():
                found[entry.name] = (entry / "cmdline").read_bytes()
    return found


def test_attacks_without_a_sandbox_leave_no_process_on_the_machine(tmp_path: Path) -> None:
    before = _of_this_test()
    control = suite.Control()
    for attack in (*GROUPS["traces"], *GROUPS["stay"]):
        control.breaches(attack, tmp_path)
    control.close()
    assert {pid: words for pid, words in _of_this_test().items() if pid not in before} == {}


def test_attacks_without_a_sandbox_leave_a_persons_terminals_alone(tmp_path: Path) -> None:
    master, slave = os.openpty()
    os.set_blocking(master, False)
    control = suite.Control()
    proven = [attack.name for attack in GROUPS["terminal"] if control.breaches(attack, tmp_path)]
    control.close()
    assert "write to every terminal" in proven
    with pytest.raises(BlockingIOError):
        os.read(master, 1)
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_takes_attacks_of_every_group_and_together_they_take_all(mode: str) -> None:
    assert all(_taken(group, mode) for group in GROUPS)
    assert {a.id for group in GROUPS for m in MODES for a in _taken(group, m)} == {a.id for a in all_attacks()}


def test_there_are_enough_attacks() -> None:
    attacks = all_attacks()
    assert len(attacks) >= 250
    assert len({attack.id for attack in attacks}) == len(attacks)


def test_known_openings_are_few_and_named() -> None:
    known = {tier: sum(tier in attack.open_in for attack in all_attacks()) for tier in ("full", "kernel")}
    assert known["full"] <= 3
    assert known["kernel"] <= 12
