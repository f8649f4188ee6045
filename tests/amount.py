"""How many examples a property is tried with: as written in an ordinary run, many more in `make fuzz`."""

import os


def examples(few: int, many: int = 500) -> int:
    """`few` in an ordinary run. `many` is meant for properties that start processes; others can have thousands."""
    return many if os.environ.get("VTCODE_FUZZ") else few
