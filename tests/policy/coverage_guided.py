"""The parser and the rule loader under atheris, which looks for new paths through them: part of `make fuzz`.

    python -m tests.policy.coverage_guided -max_total_time=600

Where atheris is not installed (it has no wheel for every Python and machine) it says so and ends well: the
properties of `make fuzz` run there all the same.
"""

import contextlib
import sys

try:
    import atheris
except ImportError:
    print("atheris is not installed: the properties of hypothesis are all the fuzzing there is here")
    sys.exit(0)

with atheris.instrument_imports(include=["vtcode_tui.policy"]):
    from tests.policy.test_bad_input import decision
    from vtcode_tui.common.errors import ConfigError
    from vtcode_tui.policy.file import parse
    from vtcode_tui.policy.located import load

VERDICTS = {"allow", "prompt", "deny"}


def look(data: bytes) -> None:
    """Any text has a verdict; any rule file is read or refused in a sentence."""
    text = data[1:].decode("utf-8", "surrogateescape")
    if data[:1] < b"\x80":
        assert decision(text).mode in VERDICTS
        return
    with contextlib.suppress(ConfigError):
        parse(load(text, "tool-policy.json"), "tool-policy.json")


if __name__ == "__main__":
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()
