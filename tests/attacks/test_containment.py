"""Every attack of the table in every tier, with and without staging: contained, or known and documented."""

from __future__ import annotations

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


@pytest.mark.parametrize("mode", ["full", "staged", "kernel"])
@pytest.mark.parametrize("group", GROUPS)
async def test_no_attack_of_the_group_gets_out(
    group: str, mode: str, attacked: Spawner, proof: Proof, tmp_path: Path
) -> None:
    got_out = []
    # The layer changes what is written, not what is reachable: a third of the table shows that, or all on request.
    step = 3 if mode == "staged" and os.environ.get("VTCODE_ATTACKS") != "all" else 1
    for attack in GROUPS[group][::step]:
        result = await suite.attempt(attacked, attack, staged=mode == "staged", base=tmp_path)
        if result.verdict in ("BREACH", "no sandbox"):
            got_out.append((attack.id, result.verdict, result.breaches, result.output[-200:]))
    assert got_out == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_attacks_of_the_group_work_without_a_sandbox(group: str, proof: Proof, tmp_path: Path) -> None:
    proven = [attack.id for attack in GROUPS[group] if proof.of(attack, tmp_path)]
    assert len(proven) >= LEAST_PROVEN.get(group, 1), proven


def test_there_are_enough_attacks() -> None:
    attacks = all_attacks()
    assert len(attacks) >= 250
    assert len({attack.id for attack in attacks}) == len(attacks)


def test_known_openings_are_few_and_named() -> None:
    known = {tier: sum(tier in attack.open_in for attack in all_attacks()) for tier in ("full", "kernel")}
    assert known["full"] <= 2
    assert known["kernel"] <= 30
