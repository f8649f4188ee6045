"""vtcode.toml and its layers, with the provenance of every value.

loaded = load(home, root, overrides=[("model.name", "x")])      settings, provenance, files, notices
override("sandbox.staging=off")                                 one `-c KEY=VALUE` of a command line
"""

from __future__ import annotations

from vtcode_tui.config.layers import WORKSPACE_FILE, LayerFile, Loaded, Override, Source, load
from vtcode_tui.config.overrides import override
from vtcode_tui.config.settings import Settings

__all__ = ["WORKSPACE_FILE", "LayerFile", "Loaded", "Override", "Settings", "Source", "load", "override"]
