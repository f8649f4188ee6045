"""The `vtcode` command's first steps: isolate and harden this process, then import what the command needs."""

import sys


def main() -> int:
    """Run the command that was typed, in a hardened process, and return its exit status."""
    from vtcode_tui.sandbox.harden import harden, isolate

    isolate(sys.argv[1:])
    harden()
    from vtcode_tui.cli import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
