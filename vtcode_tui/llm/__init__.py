"""Models: the message model, one module per wire, transport, failover.

Light to import: each name is loaded when it is first used, httpx when the first request is made.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.llm.catalogue import ModelFacts as ModelFacts
    from vtcode_tui.llm.catalogue import Price as Price
    from vtcode_tui.llm.catalogue import model_facts as model_facts
    from vtcode_tui.llm.chain import Chain as Chain
    from vtcode_tui.llm.chain import Link as Link
    from vtcode_tui.llm.discover import Looked as Looked
    from vtcode_tui.llm.discover import discover_local as discover_local
    from vtcode_tui.llm.discover import try_provider as try_provider
    from vtcode_tui.llm.endpoint import Endpoint as Endpoint
    from vtcode_tui.llm.endpoint import Hosts as Hosts
    from vtcode_tui.llm.endpoint import Key as Key
    from vtcode_tui.llm.endpoint import TimeLimits as TimeLimits
    from vtcode_tui.llm.failure import ProviderError as ProviderError
    from vtcode_tui.llm.pairing import broken_pairs as broken_pairs
    from vtcode_tui.llm.pairing import paired as paired
    from vtcode_tui.llm.resolve import Models as Models
    from vtcode_tui.llm.resolve import resolve_models as resolve_models
    from vtcode_tui.llm.tokens import Calibration as Calibration
    from vtcode_tui.llm.tokens import estimate_message as estimate_message
    from vtcode_tui.llm.tokens import estimate_messages as estimate_messages
    from vtcode_tui.llm.tokens import estimate_request as estimate_request
    from vtcode_tui.llm.tokens import estimate_tokens as estimate_tokens
    from vtcode_tui.llm.translate import Fitted as Fitted
    from vtcode_tui.llm.translate import fitted as fitted

_ABSENT: Any = None
# The command line of httpx draws with click and rich, which is half of what importing httpx costs. It does without
# where that cannot be imported.
sys.modules.setdefault("httpx._main", _ABSENT)

_HOME = {
    "Calibration": "tokens",
    "Chain": "chain",
    "Endpoint": "endpoint",
    "Fitted": "translate",
    "Hosts": "endpoint",
    "Key": "endpoint",
    "Link": "chain",
    "Looked": "discover",
    "ModelFacts": "catalogue",
    "Models": "resolve",
    "Price": "catalogue",
    "ProviderError": "failure",
    "TimeLimits": "endpoint",
    "broken_pairs": "pairing",
    "discover_local": "discover",
    "estimate_message": "tokens",
    "estimate_messages": "tokens",
    "estimate_request": "tokens",
    "estimate_tokens": "tokens",
    "fitted": "translate",
    "model_facts": "catalogue",
    "paired": "pairing",
    "resolve_models": "resolve",
    "try_provider": "discover",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
