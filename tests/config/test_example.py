from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from vtcode_tui.cli import main
from vtcode_tui.common.home import Home
from vtcode_tui.config import Settings, load
from vtcode_tui.config.describe import descriptions, example, example_data, schema
from vtcode_tui.config.keys import leaf_keys, validate, value_at
from vtcode_tui.config.settings import Exporter, Provider

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types

NOT_SET = {
    "model.effort",
    "model.context_window",
    "approvals.expire_seconds",
    "approvals.signing_key",
    "context.session_token_budget",
    "context.session_cost_budget_usd",
}
"""Keys whose example is no default, because they have none."""


def test_the_example_loads_as_it_stands_and_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path, tmp_path, tmp_path)
    home.settings_file.write_text(example())
    assert load(home, None, managed=tmp_path / "none").settings == Settings()


def test_the_example_shows_every_key_with_its_default() -> None:
    data = example_data()
    validate(data)
    defaults = Settings().model_dump(mode="json")
    for key in leaf_keys():
        if key not in NOT_SET and key not in {"providers.*", "audit.exporters"}:
            shown = value_at(data, key)
            assert shown == value_at(defaults, key), key
    assert set(data["providers"]["gateway"]) == set(Provider.model_fields)
    assert set(data["audit"]["exporters"][0]) == set(Exporter.model_fields)


def test_every_key_has_a_text_for_people() -> None:
    texts = descriptions()
    keys = {*leaf_keys()} - {"providers.*", "audit.exporters"}
    keys |= {f"providers.*.{name}" for name in Provider.model_fields}
    keys |= {f"audit.exporters.*.{name}" for name in Exporter.model_fields}
    assert {key for key in keys if len(texts.get(key, "")) < 10} == set()


def test_the_schema_accepts_the_example_and_refuses_what_load_refuses() -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    check = jsonschema.Draft202012Validator(made)
    check.validate(example_data())
    mistakes: list[dict[str, Any]] = [
        {"mode": "yolo"},
        {"modle": {}},
        {"sandbox": {"wall_seconds": 0}},
        {"model": {"chain": [{}]}},
    ]
    for wrong in mistakes:
        assert not check.is_valid(wrong)
    assert "fall" in made["$defs"]["Model"]["properties"]["cross_data_class"]["description"]
    assert "wire" in made["$defs"]["Provider"]["properties"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("VTCODE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Home.from_environment()


def test_init_writes_the_users_file_once(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert home.settings_file.read_text() == example()
    assert home.settings_file.stat().st_mode & 0o777 == 0o600
    assert main(["init"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_init_for_a_workspace_loads_and_only_tightens(home: Home, tmp_path: Path) -> None:
    assert main(["init", "--workspace"]) == 0
    loaded = load(home, tmp_path)
    assert loaded.settings == Settings()
    assert not loaded.notices


def test_config_show_names_the_source_of_each_value(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vtcode.toml").write_text("[sandbox]\nprocesses = 9\n")
    assert main(["config", "show", "-c", "mode=plan"]) == 0
    out = capsys.readouterr().out
    assert 'mode = "plan"  # command line' in out
    assert f"sandbox.processes = 9  # workspace {tmp_path}/vtcode.toml:2" in out
    assert main(["config", "show", "--json", "sandbox"]) == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert values["sandbox.processes"]["line"] == 2
    assert values["sandbox.memory_mb"]["layer"] == "built-in"


def test_config_show_of_an_unknown_key_names_the_nearest(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "sandbox.proceses"]) == 2
    assert "did you mean `sandbox.processes`?" in capsys.readouterr().err


def test_config_check_ends_with_2_and_one_sentence(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check"]) == 0
    (tmp_path / "vtcode.toml").write_text("modle = 1\n")
    assert main(["config", "check"]) == 2
    assert "vtcode.toml:1: unknown key `modle`: did you mean" in capsys.readouterr().err
    assert main(["config", "check", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["line"] == 1


def test_config_check_names_a_theme_and_keys_that_the_screen_would_not_take(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text('[interface]\ntheme = "nord"\n[interface.keys]\nzom = "f7"\n')
    assert main(["config", "check"]) == 0
    out = capsys.readouterr().out
    assert f"{home.settings_file}:2: [interface] theme: there is no `nord`; it is one of vtcode-dark" in out
    assert f"{home.settings_file}:4: [interface.keys] has no `zom`: did you mean `zoom`?" in out
    themes = home.config / "themes"
    themes.mkdir()
    (themes / "nord.toml").write_text("dark = true\n")
    home.settings_file.write_text('[interface]\ntheme = "nord"\n')
    assert main(["config", "check"]) == 0
    assert capsys.readouterr().out == f"ok: {home.settings_file}\n"


def test_config_schema_and_path_print(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "vtcode.toml"
    assert main(["config", "schema", "tool-policy.json"]) == 0
    assert "properties" in json.loads(capsys.readouterr().out)
    assert main(["config", "path"]) == 0
    assert str(home.settings_file) in capsys.readouterr().out
