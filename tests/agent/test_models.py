"""Models from the app: what there is, loading and unloading, over a local server's own API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.stage import staged
from tests.llm.server import serving
from tests.llm.test_servers import GONE, LMSTUDIO, document
from tests.reading import payloads
from vtcode_tui.common.errors import ModelError
from vtcode_tui.demo import Step
from vtcode_tui.events.types import ConfigChanged

pytestmark = pytest.mark.kernel


async def test_models_are_listed_loaded_and_unloaded_from_the_app_and_the_journal_has_it(tmp_path: Path) -> None:
    async with serving(document({"status": "loaded"}), LMSTUDIO, document({})) as server:
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LMSTUDIO_BASE_URL": server.root,
            "OLLAMA_HOST": GONE,
        }
        async with staged(tmp_path, [Step("ok")], environ=environ) as stage:
            places = {place.provider: place for place in await stage.session.models()}
            assert places["test"].state == "running"
            assert server.seen == []
            await stage.session.load_model("lmstudio", "small", 32768)
            await stage.session.unload_model("lmstudio", "qwen/qwen3-coder-30b")
            with pytest.raises(ModelError, match=r"nothing listens.*ollama serve"):
                await stage.session.load_model("ollama", "qwen3:8b")
        changed = [(change.before, change.after) for change in payloads(stage.events(), ConfigChanged)]
    assert changed == [("", "lmstudio/small"), ("lmstudio/qwen/qwen3-coder-30b", "")]
    assert [seen.path for seen in server.seen][-1] == "/api/v1/models/unload"
