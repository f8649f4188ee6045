"""`python -m vtcode_tui` is the `vtcode` command."""

import sys

from vtcode_tui.cli import main

sys.exit(main())
