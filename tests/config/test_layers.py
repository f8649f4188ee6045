from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vtcode_tui.common.errors import ConfigError, UsageError
from vtcode_tui.common.home import Home
from vtcode_tui.config import Loaded, Source, load, override
from vtcode_tui.config.keys import leaf_keys, value_at
from vtcode_tui.config.tighten import RULES
from vtcode_tui.config.writing import reset_value, set_values


class Place:
    """A user, a machine and a workspace, each with its own vtcode.toml."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "config", folder / "state", folder / "cache")
        self.root = folder / "workspace"
        self.managed = folder / "etc"
        self.root.mkdir()

    def user(self, text: str) -> Place:
        return self._write(self.home.settings_file, text)

    def machine(self, text: str) -> Place:
        return self._write(self.managed / "vtcode.toml", text)

    def workspace(self, text: str) -> Place:
        return self._write(self.root / "vtcode.toml", text)

    def _write(self, path: Path, text: str) -> Place:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self

    def load(self, **overrides: Any) -> Loaded:
        pairs = [(key.replace("__", "."), value) for key, value in overrides.items()]
        return load(self.home, self.root, overrides=pairs, managed=self.managed)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_any_file_every_value_is_built_in(place: Place) -> None:
    loaded = place.load()
    assert loaded.settings.sandbox.staging == "auto"
    assert not loaded.provenance
    assert not loaded.files
    assert loaded.source("sandbox.staging") == Source("built-in")


def test_each_layer_wins_over_the_one_below_and_says_where_a_value_stands(place: Place) -> None:
    place.user('mode = "plan"\n\n[sandbox]\nwall_seconds = 100\nprocesses = 50\nmemory_mb = 7\n')
    place.machine("[sandbox]\nprocesses = 40\n")
    place.workspace("[sandbox]\nprocesses = 30\n")
    loaded = place.load(sandbox__wall_seconds=90.0)
    assert (loaded.settings.mode, loaded.source("mode").line) == ("plan", 1)
    assert loaded.settings.sandbox.memory_mb == 7
    assert loaded.source("sandbox.memory_mb") == Source("user", str(place.home.settings_file), 6)
    assert loaded.settings.sandbox.wall_seconds == 90.0
    assert loaded.source("sandbox.wall_seconds").layer == "command line"
    assert loaded.settings.sandbox.processes == 30
    assert loaded.source("sandbox.processes") == Source("workspace", str(place.root / "vtcode.toml"), 2)
    assert loaded.locked == {"sandbox.processes"}
    assert [f.layer for f in loaded.files] == ["user", "managed", "workspace"]
    assert any("locks it" in notice for notice in loaded.notices)


def test_a_key_of_the_persons_own_may_have_dots_in_its_name_as_the_docs_show_it(place: Place) -> None:
    place.user('[interface.keys]\napprove = "ctrl+t"\n"pane.diff" = "f7"\n')
    loaded = place.load()
    assert dict(loaded.settings.interface.keys) == {"approve": "ctrl+t", "pane.diff": "f7"}
    assert loaded.source("interface.keys.pane.diff").line == 3
    set_values(place.home.settings_file, {"interface.keys.deny.why": "alt+d", "interface.keys.pane.diff": "f8"})
    assert '"pane.diff" = "f8"' in place.home.settings_file.read_text()
    assert place.load().settings.interface.keys["deny.why"] == "alt+d"
    reset_value(place.home.settings_file, "interface.keys.pane.diff")
    place.machine('[interface.keys]\n"pane.chat" = "f12"\n')
    assert dict(place.load().settings.interface.keys) == {
        "approve": "ctrl+t", "deny.why": "alt+d", "pane.chat": "f12",
    }  # fmt: skip
    overridden = load(place.home, place.root, overrides=[override("interface.keys.pane.chat=f11")])
    assert overridden.settings.interface.keys["pane.chat"] == "f11"


def test_providers_merge_by_name_and_key(place: Place) -> None:
    place.user('[providers.a]\nbase_url = "http://a"\nkey_env = "A"\n[providers.b]\nwire = "ollama"\n')
    place.machine('[providers.a]\nbase_url = "http://gateway"\n')
    loaded = place.load()
    assert loaded.settings.providers.tables["a"].base_url == "http://gateway"
    assert loaded.settings.providers.tables["a"].key_env == "A"
    assert loaded.settings.providers.tables["b"].wire == "ollama"
    assert loaded.source("providers.a.base_url").layer == "managed"


def test_the_users_own_file_may_allow_runs_without_a_sandbox(place: Place) -> None:
    place.user("[sandbox]\nallow_unsandboxed = true\n")
    assert place.load().settings.sandbox.allow_unsandboxed


def test_a_workspace_may_not_allow_runs_without_a_sandbox(place: Place) -> None:
    place.workspace("[sandbox]\nallow_unsandboxed = true\n")
    loaded = place.load()
    assert not loaded.settings.sandbox.allow_unsandboxed
    assert any("allow_unsandboxed" in notice for notice in loaded.notices)


@pytest.mark.parametrize("layer", ["machine", "workspace", "user"])
def test_whoever_asks_for_a_tier_gets_that_or_nothing(place: Place, layer: str) -> None:
    tier = "full" if layer == "workspace" else "kernel"
    allowed = "[sandbox]\nallow_unsandboxed = true\n"
    place.user(allowed + (f'minimum_tier = "{tier}"\n' if layer == "user" else ""))
    if layer != "user":
        getattr(place, layer)(f'[sandbox]\nminimum_tier = "{tier}"\n')
    loaded = place.load()
    assert not loaded.settings.sandbox.allow_unsandboxed
    assert loaded.settings.sandbox.minimum_tier == tier
    assert any("allow_unsandboxed" in notice and tier in notice for notice in loaded.notices)


def test_a_command_line_cannot_move_a_locked_key(place: Place) -> None:
    place.machine("[sandbox]\nallow_unsandboxed = false\n")
    loaded = place.load(sandbox__allow_unsandboxed=True)
    assert loaded.settings.sandbox.allow_unsandboxed is False
    assert any("allow_unsandboxed" in notice for notice in loaded.notices)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[model]\nnme = "x"\n', 2, "did you mean `model.name`?"),
        ("[sandbx]\nread = []\n", 1, "did you mean `sandbox`?"),
        ("max_turns = 3\n", 1, "did you mean `context.max_turns`?"),
        ('[providers.x]\nbase_ur = "y"\n', 2, "did you mean `providers.x.base_url`?"),
        (
            '[[audit.exporters]]\nkind = "file"\ntarget = "x"\n[[audit.exporters]]\nkind="file"\ntaget="y"\n',
            6,
            "target",
        ),
        ("\n\nqqqqq = 1\n", 3, "unknown key `qqqqq`"),
        ('mode = "yolo"\n', 1, "should be 'build', 'plan' or 'read-only', found \"yolo\""),
        ("[sandbox]\nwall_seconds = -1\n", 2, "greater than 0"),
        ('[sandbox]\nprocesses = "9"\n', 2, "integer"),
        ("[sandbox]\n# why\nread = [\n  'a',\n  3,\n]\n", 3, "string"),
        ("[sandbox]\nwall_seconds = inf\n", 2, "finite number"),
        ("[model]\nchain = [{ provider = 'x' }]\n", 2, "missing"),
        ("[sandbox\n", 1, "is not valid TOML"),
        ("a = 'x'\nb = \n", 2, "is not valid TOML"),
        ("a = '''x\n", 2, "is not valid TOML"),
        ("[context]\nmask_at = 0.9\n", 2, "should be below"),
        ("[audit]\nminimum_days = 900\n", 2, "should not be more"),
        ('[approvals]\nsigning = "ssh-key"\n', 2, "needs `approvals.signing_key`"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_line(place: Place, text: str, line: int, says: str) -> None:
    place.user(text)
    with pytest.raises(ConfigError) as caught:
        place.load()
    message = str(caught.value)
    assert message.startswith(f"{place.home.settings_file}:{line}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize("layer", ["user", "machine", "workspace"])
def test_a_broken_file_is_an_error_in_every_layer(place: Place, layer: str) -> None:
    getattr(place, layer)("=")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        place.load()


def test_text_that_is_not_utf8_names_the_line(place: Place) -> None:
    place.user("")
    place.home.settings_file.write_bytes(b"mode = 'plan'\n# \xff\n")
    with pytest.raises(ConfigError, match=r":2: is not UTF-8"):
        place.load()


def test_a_huge_or_deeply_nested_file_is_an_error_and_no_crash(place: Place) -> None:
    place.user("#" * (2 << 20))
    with pytest.raises(ConfigError, match="larger than"):
        place.load()
    place.user("a = " + "[" * 100_000)
    with pytest.raises(ConfigError):
        place.load()


def test_a_workspace_cannot_point_its_configuration_elsewhere(place: Place, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text('mode = "plan"\n')
    (place.root / "vtcode.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symbolic link"):
        place.load()


def test_a_fifo_in_place_of_the_file_does_not_hang(place: Place) -> None:
    os.mkfifo(place.root / "vtcode.toml")
    with pytest.raises(ConfigError, match="not a regular file"):
        place.load()


# For every key: what the human has, a stricter wish of the workspace with its result, and a looser one.
STRICTER: dict[str, tuple[Any, Any, Any, Any]] = {
    "mode": ("plan", "read-only", "read-only", "build"),
    "model.max_output_tokens": (100, 50, 50, 200),
    "model.context_window": (1000, 500, 500, 2000),
    "model.cross_data_class": (True, False, False, None),
    "providers.allow": (["a", "b"], ["a"], ["a"], ["evil"]),
    "model.discover": (True, False, False, None),
    "sandbox.minimum_tier": ("kernel", "full", "full", "seatbelt"),
    "sandbox.allow_unsandboxed": (True, False, False, None),
    "sandbox.debug": (True, False, False, None),
    "sandbox.staging": ("off", "auto", "auto", None),
    "sandbox.read": (["/a", "/b"], ["/a"], ["/a"], ["/a", "/b", "/"]),
    "sandbox.write": (["/a", "/b"], [], [], ["/a", "/b", "/"]),
    "sandbox.protect": (["a"], ["b"], ["a", "b"], ["!a"]),
    "sandbox.runs_by_itself": (["a"], ["b"], ["a", "b"], ["!a"]),
    "sandbox.mask": (["a"], ["b"], ["a", "b"], ["!a"]),
    "sandbox.pass_environment": (["A", "B"], ["B"], ["B"], ["A", "B", "HOME"]),
    "sandbox.pass_secrets": (["A", "B"], [], [], ["A", "B", "AWS"]),
    "sandbox.wall_seconds": (10.0, 5.0, 5.0, 20.0),
    "sandbox.processes": (10, 5, 5, 20),
    "sandbox.memory_mb": (10, 5, 5, 20),
    "sandbox.file_size_mb": (10, 5, 5, 20),
    "sandbox.disk_mb": (10, 5, 5, 20),
    "sandbox.output_mb": (10, 5, 5, 20),
    "approvals.grace_ms": (500, 900, 900, 0),
    "approvals.expire_seconds": (100.0, 50.0, 50.0, 200.0),
    "approvals.signing": ("ssh-key", "sk-touch", "sk-touch", "os-user"),
    "approvals.require": ({"high": "ssh-key"}, {"high": "sk-touch"}, {"high": "sk-touch"}, {"high": "os-user"}),
    "audit.retention_days": (400, 500, 500, 300),
    "audit.minimum_days": (100, 200, 200, 50),
    "context.session_token_budget": (100, 50, 50, 200),
    "context.session_cost_budget_usd": (10.0, 5.0, 5.0, 20.0),
    "context.max_turns": (10, 5, 5, 20),
}
FORBIDDEN: dict[str, tuple[Any, Any]] = {
    "model.provider": ("a", "b"),
    "model.name": ("a", "b"),
    "model.chain": ([], [{"provider": "p", "model": "m"}]),
    "model.effort": ("low", "high"),
    "model.first_byte_seconds": (10.0, 5.0),
    "model.idle_seconds": (10.0, 5.0),
    "providers.openai": ({"wire": "gemini"}, {"base_url": "http://evil"}),
    "approvals.signing_key": ("a", "b"),
    "audit.capture": ("redacted", "full"),
    "audit.anchors": ([], ["git-note"]),
    "audit.rfc3161_url": ("", "http://evil"),
    "audit.rfc3161_ca": ("", "/evil.pem"),
    "audit.exporters": ([], [{"kind": "hec", "target": "http://evil"}]),
    "context.mask_at": (0.5, 0.4),
    "context.compact_at": (0.8, 0.9),
    "context.output_head_bytes": (10, 5),
    "context.output_tail_bytes": (10, 5),
    "interface.theme": ("a", "b"),
    "interface.vim": (False, True),
    "interface.mouse": (True, False),
    "interface.bell": (True, False),
    "interface.notify": ("osc9", "off"),
    "interface.screen_reader": (False, True),
    "interface.diff": ("auto", "split"),
    "interface.keys": ({}, {"a": "b"}),
}


def test_every_key_has_a_direction_and_a_row_in_the_tests() -> None:
    keys = set(leaf_keys())
    assert set(RULES) == keys
    assert set(STRICTER) | set(FORBIDDEN) == (keys - {"providers.*"}) | {"providers.openai"}
    assert not set(STRICTER) & set(FORBIDDEN)


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
        case _:
            return str(value)


def _line(key: str, value: Any) -> str:
    extra = (
        "\napprovals.signing_key = 'k'" if key.startswith("approvals") and key != "approvals.signing_key" else ""
    )
    return f"{key} = {_toml(value)}{extra}\n"


def _value(loaded: Loaded, key: str) -> Any:
    return value_at(loaded.settings.model_dump(mode="json"), key)


@pytest.mark.parametrize("key", STRICTER)
def test_a_workspace_can_tighten(place: Place, key: str) -> None:
    have, wish, result, _ = STRICTER[key]
    place.user(_line(key, have)).workspace(f"{key} = {_toml(wish)}\n")
    loaded = place.load()
    assert _value(loaded, key) == result
    assert loaded.source(key).layer == "workspace"
    assert not loaded.notices


@pytest.mark.parametrize("key", [k for k, row in STRICTER.items() if row[3] is not None])
def test_a_workspace_cannot_loosen(place: Place, key: str) -> None:
    have, _, _, wish = STRICTER[key]
    place.user(_line(key, have)).workspace(f"{key} = {_toml(wish)}\n")
    loaded = place.load()
    assert _value(loaded, key) == have
    assert {s.layer for k, s in loaded.provenance.items() if k.startswith(key)} == {"user"}
    assert [n for n in loaded.notices if f"vtcode.toml:1: `{key}`" in n and "no effect" in n]


@pytest.mark.parametrize(("key", "have", "wish"), [(k, *row) for k, row in FORBIDDEN.items()])
def test_a_workspace_cannot_set(place: Place, key: str, have: Any, wish: Any) -> None:
    place.user(_line(key, have)).workspace(f"{key} = {_toml(wish)}\n")
    loaded = place.load()
    assert _value(loaded, key) == _value(load(place.home, None, managed=place.managed), key)
    assert [n for n in loaded.notices if f"`{key}`: a workspace may not set it" in n]


@pytest.mark.parametrize("name", ["evil", '"e.vil"'])
def test_a_workspace_cannot_bring_a_provider_of_its_own(place: Place, name: str) -> None:
    place.workspace(f'providers.{name} = {{base_url = "http://evil"}}\n')
    loaded = place.load()
    assert loaded.settings.providers.tables == {}
    assert any("a workspace may not set it" in notice for notice in loaded.notices)


def test_the_machine_locks_which_hosts_may_be_contacted(place: Place) -> None:
    place.machine("[providers]\nallow = ['gateway', 'other']\n").user("[providers]\nallow = ['evil']\n")
    place.workspace("[providers]\nallow = ['gateway', 'evil']\n")
    loaded = place.load(providers__allow=["worse"])
    assert loaded.settings.providers.allow == ("gateway",)
    assert "providers.allow" in loaded.locked
    assert any("locks it" in notice for notice in loaded.notices)


def test_the_hosts_beside_the_tables_of_providers_are_one_list(place: Place) -> None:
    place.user("[providers]\nallow = ['a']\n[providers.mine]\nbase_url = 'http://a'\n")
    providers = place.load().settings.providers
    assert (providers.allow, list(providers.tables)) == (("a",), ["mine"])
    place.user("[providers.allow]\nbase_url = 'http://a'\n")
    with pytest.raises(ConfigError, match=r"`providers\.allow` should be a list, found a table"):
        place.load()


@pytest.mark.parametrize(
    ("user", "workspace"),
    [
        ("model.cross_data_class = false", "model.cross_data_class = true"),
        ("sandbox.allow_unsandboxed = false", "sandbox.allow_unsandboxed = true"),
        ("model.discover = false", "model.discover = true"),
        ("sandbox.staging = 'auto'", "sandbox.staging = 'off'"),
        ("sandbox.minimum_tier = 'full'", "sandbox.minimum_tier = 'kernel'"),
        ("", "context.session_token_budget = 5\nsandbox.read = ['/']"),
        ("providers.allow = ['a']", "providers.allow = []"),
        ("approvals.signing = 'sk-touch'\napprovals.signing_key = 'k'", "approvals.require = {high = 'os-user'}"),
    ],
)
def test_switches_cannot_be_loosened_either(place: Place, user: str, workspace: str) -> None:
    place.user(user).workspace(workspace)
    loaded = place.load()
    key = workspace.splitlines()[-1].split(" = ")[0]
    without = load(place.home, None, managed=place.managed)
    assert _value(loaded, key) == _value(without, key)
    assert any(f"`{key}`" in notice for notice in loaded.notices)


def test_a_workspace_tightens_a_locked_key_but_cannot_loosen_it(place: Place) -> None:
    place.machine("[sandbox]\nprocesses = 10\nprotect = ['x']\n").workspace(
        "[sandbox]\nprocesses = 11\nprotect = ['y']\n"
    )
    loaded = place.load()
    assert loaded.settings.sandbox.processes == 10
    assert loaded.settings.sandbox.protect == ("x", "y")


def test_a_workspace_cannot_keep_people_out_with_a_contradiction(place: Place) -> None:
    place.workspace("[audit]\nminimum_days = 5000\n[approvals]\nsigning = 'sk-touch'\n")
    loaded = place.load()
    assert loaded.settings.audit.minimum_days == 183
    assert loaded.settings.approvals.signing == "os-user"
    assert len(loaded.notices) == 2


def test_a_pattern_that_a_workspace_adds_cannot_be_undone_by_an_earlier_negation(place: Place) -> None:
    place.workspace("sandbox.mask = ['.env.example']\n")
    assert place.load().settings.sandbox.mask[-1] == ".env.example"


def test_the_digest_names_the_effective_settings(place: Place) -> None:
    plain = place.load().sha256
    place.user('mode = "build"\n')
    assert place.load().sha256 == plain
    place.user('mode = "plan"\n')
    assert place.load().sha256 != plain


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("sandbox.wall_seconds=60", ("sandbox.wall_seconds", 60)),
        ("sandbox.staging=off", ("sandbox.staging", "off")),
        ('model.name="a b"', ("model.name", "a b")),
        ("model.name=a=b", ("model.name", "a=b")),
        ("model.name=1\nmode='plan'", ("model.name", "1\nmode='plan'")),
        ("sandbox.read=['/x']", ("sandbox.read", ["/x"])),
    ],
)
def test_an_override_is_toml_or_plain_text(text: str, pair: tuple[str, Any]) -> None:
    assert override(text) == pair


@pytest.mark.parametrize("text", ["", "=", "x", "=x", "a..b=1"])
def test_an_override_without_key_or_value_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        override(text)


def test_a_wrong_override_says_that_it_is_from_the_command_line(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"command line: unknown key `sandbox.stagin`.*sandbox\.staging"):
        place.load(sandbox__stagin="off")
