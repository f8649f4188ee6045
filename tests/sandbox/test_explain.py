"""What a line about a refusal says could be approved is something that a person can approve."""

from __future__ import annotations

import argparse
import re

import pytest

from vtcode_tui.cli.sandbox import arguments
from vtcode_tui.config.settings import Sandbox
from vtcode_tui.sandbox.explain import remedy

REFUSALS = {
    ("host", "1.1.1.1 port 80 (the network is off)"): "--allow-host",
    ("host", "unix socket /run/docker.sock"): "nothing can be approved",
    ("host", "abstract unix socket"): "nothing can be approved",
    ("host", "IPv4 socket (the network is off)"): "by TCP only",
    ("syscall", "ptrace"): "--debug",
    ("syscall", "mount"): "nothing can be approved",
    ("path", "chmod /srv/data"): "--write /srv/data",
    ("limit", "memory"): "memory_mb",
    ("limit", "wall_seconds"): "wall_seconds",
    ("limit", "file_size"): "file_size_mb",
}


@pytest.mark.parametrize(("refusal", "way"), REFUSALS.items())
def test_a_refusal_names_the_way_to_approve_it_or_that_there_is_none(refusal: tuple[str, str], way: str) -> None:
    assert way in remedy(*refusal)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_each_setting_and_option_that_is_named_exists(refusal: tuple[str, str]) -> None:
    parser = argparse.ArgumentParser()
    arguments(parser)
    text = remedy(*refusal)
    settings = re.findall(r"`(\w+)[^`]*` under \[sandbox\]", text)
    options = re.findall(r"--[a-z-]+", text)
    assert settings or options or "approved" in text
    assert set(settings) <= set(Sandbox.model_fields)
    for option in options:
        given = [option] if option == "--debug" else [option, "x"]
        assert parser.parse_args(["run", *given, "--", "true"]).action == "run"


def test_a_limit_that_no_setting_raises_promises_none() -> None:
    assert remedy("limit", "descriptors") == ""
