"""The documentation names what exists: files, links, tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vtcode_tui.sandbox.selftest.table import all_attacks
from vtcode_tui.sandbox.selftest.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
_TEST = re.compile(r"\b(tests/[\w/]+\.py)(?:::(\w+))?")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for file, name in _TEST.findall(page.read_text()):
        source = ROOT / file
        assert source.is_file(), f"{page.name} names {file}"
        assert not name or re.search(rf"def {name}\(", source.read_text()), f"{page.name} names {file}::{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = set(_LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{page.name}" for page in PAGES if page.name != "README.md"} <= linked


def test_the_sandbox_page_counts_attacks_and_workloads_as_they_are() -> None:
    page = (ROOT / "docs/sandbox.md").read_text()
    attacks = all_attacks()
    open_in = {tier: sum(tier in attack.open_in for attack in attacks) for tier in ("full", "kernel")}
    assert f"`vtcode selftest` counts {len(attacks)} attacks." in page
    assert f"{open_in['full']} in\n`full` with and without staging, {open_in['kernel']} in `kernel`." in page
    assert f"{len(WORKLOADS)} everyday workloads ship" in page


def test_the_sandbox_page_names_every_workload_that_a_tier_does_not_carry() -> None:
    unlike = {work.name for work in WORKLOADS if work.not_in}
    page = (ROOT / "docs/sandbox.md").read_text()
    assert {name for name in unlike if f"`{name}`" not in page} == set()
