"""The Agent Client Protocol: vtcode as an agent on stdio for editors, over the same core as the app.

`serve(Stage(...), reader, writer)` speaks JSON-RPC until the client closes its end.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtcode_tui.acp.agent import Stage, serve
    from vtcode_tui.acp.rpc import Peer, RemoteError

_WHERE = {"Stage": "agent", "serve": "agent", "Peer": "rpc", "RemoteError": "rpc"}

__all__ = ["Peer", "RemoteError", "Stage", "serve"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"vtcode_tui.acp.{_WHERE[name]}"), name)
