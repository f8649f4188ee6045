"""How many examples a property is tried with that costs more than most: few by default, many in `make fuzz`."""

import os


def examples(few: int, many: int = 500) -> int:
    """`few` in an ordinary run."""
    return many if os.environ.get("VTCODE_FUZZ") else few
