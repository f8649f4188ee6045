"""The `vtcode` command's first steps: isolate and harden this process, then import what the command needs."""

import gc
import sys


def main() -> int:
    """Run the command that was typed, in a hardened process, and return its exit status."""
    from vtcode_tui.sandbox.harden import harden, isolate

    isolate(sys.argv[1:])
    harden()
    from vtcode_tui.cli import main as command

    status = command()
    # All that is left is given back with the process: to look for cycles in it once more takes 0.1 s.
    gc.freeze()
    return status


if __name__ == "__main__":
    sys.exit(main())
