# ruff: noqa: E501 - scripts are kept whole
"""The tools that people install packages with find the proxy of a run, and say clearly when there is none."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import http.server
import io
import json
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import grant_for
from vtcode_tui.sandbox import Denial, Network, Outcome, Profile, Spawner, Tier
from vtcode_tui.sandbox.destinations import is_public
from vtcode_tui.sandbox.proxy import Connection, Proxy

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

INDEX = "index.test"

SCRIPTS = {
    "curl": "curl -sS -f -m 20 http://{at}/file.txt | grep -q content",
    "pip": "pip download -q --no-deps --retries 0 --timeout 10 --index-url http://{at}/simple/ --trusted-host {host} sample && ls sample-1.0*",
    "npm": "npm install --silent --no-audit --no-fund --fetch-retries 0 --fetch-timeout 10000 --registry http://{at}/npm/ sample && test -f node_modules/sample/index.js",
    "git": "git clone -q http://{at}/repo.git cloned && test -f cloned/kept",
    "cargo": (
        "mkdir -p .cargo src; printf '[registries.r]\\nindex = \"sparse+http://{at}/index/\"\\n[net]\\nretry = 0\\n[http]\\ntimeout = 10\\n' > .cargo/config.toml; "
        'printf \'[package]\\nname = "a"\\nversion = "0.1.0"\\nedition = "2021"\\n[dependencies]\\nsample = {{ version = "1", registry = "r" }}\\n\' > Cargo.toml; '
        "touch src/lib.rs; cargo fetch -q && grep -q sample Cargo.lock"
    ),
    "python": "python3 -c \"import urllib.request; print(urllib.request.urlopen('http://{at}/file.txt', timeout=10).read())\" | grep -q content",
}


def _wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("sample.py", "")
        file.writestr("sample-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
        file.writestr(
            "sample-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("sample-1.0.dist-info/RECORD", "")
    return made.getvalue()


def _archive(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            file.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(made.getvalue(), mtime=0)


def _fill(place: Path) -> None:
    """The files that each tool asks its index for."""
    (place / "file.txt").write_text("content\n")
    (place / "simple/sample").mkdir(parents=True)
    (place / "simple/sample/index.html").write_text('<a href="sample-1.0-py3-none-any.whl">sample</a>')
    (place / "simple/sample/sample-1.0-py3-none-any.whl").write_bytes(_wheel())
    package = _archive(
        {"package/package.json": '{"name":"sample","version":"1.0.0"}', "package/index.js": "module.exports = 1\n"}
    )
    (place / "npm").mkdir()
    (place / "npm/sample.tgz").write_bytes(package)
    digest = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
    dist = {"tarball": "http://HOST/npm/sample.tgz", "integrity": digest}
    version = {"name": "sample", "version": "1.0.0", "dist": dist}
    meta = {"name": "sample", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    (place / "npm/sample").write_text(json.dumps(meta))
    toml = '[package]\nname = "sample"\nversion = "1.0.0"\nedition = "2021"\n'
    crate = _archive({"sample-1.0.0/Cargo.toml": toml, "sample-1.0.0/src/lib.rs": ""})
    (place / "crate").mkdir()
    (place / "crate/sample.crate").write_bytes(crate)
    (place / "index/sa/mp").mkdir(parents=True)
    (place / "index/config.json").write_text('{"dl": "http://HOST/crate/{crate}.crate"}')
    entry = {"name": "sample", "vers": "1.0.0", "deps": [], "features": {}, "yanked": False}
    (place / "index/sa/mp/sample").write_text(json.dumps({**entry, "cksum": hashlib.sha256(crate).hexdigest()}))
    source = place / "source"
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main", "-C", str(source)]
    source.mkdir()
    (source / "kept").write_text("")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "m"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(source), str(place / "repo.git")], check=True)
    subprocess.run(["git", "-C", str(place / "repo.git"), "update-server-info"], check=True)


class Index(http.server.ThreadingHTTPServer):
    """An index server on loopback; `asked` is what it was asked for, by which name."""

    def __init__(self, place: Path) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(place)))

    @property
    def at(self) -> str:
        return f"{INDEX}:{self.server_port}"


class _Handler(http.server.SimpleHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        self.server.asked.append(self.headers["Host"])
        path = Path(self.translate_path(self.path))
        if path.is_file() and path.parent.name in ("npm", "index") and path.suffix in ("", ".json"):
            # These name further addresses of their server.
            text = path.read_bytes().replace(b"HOST", self.server.at.encode())
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    place = tmp_path_factory.mktemp("index")
    _fill(place)
    server = Index(place)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def _resolve(host: str, _port: int) -> list[str]:
    if host != INDEX:
        raise OSError("no such name")
    return ["127.0.0.1"]


@pytest.fixture
async def open_spawner(tmp_path: Path, tier: Tier) -> AsyncIterator[Spawner]:
    """A spawner whose proxies take loopback for the internet."""
    spawner = Spawner.start(scratch=tmp_path / "scratch", tier=tier)
    spawner.proxy = functools.partial(Proxy, resolve=_resolve, reachable=lambda a: a.is_loopback or is_public(a))
    yield spawner
    await spawner.close()


async def _run(
    spawner: Spawner, profile: Profile, script: str, connections: list[Connection]
) -> tuple[str, Outcome]:
    flight = await spawner.run(grant_for(profile, "bash", "-c", script), connected=connections.append)
    output = b"".join([piece async for piece in flight.output()])
    return output.decode(errors="replace"), await flight.wait()


@pytest.mark.parametrize("tool", SCRIPTS)
async def test_a_tool_finds_the_proxy_with_a_grant_and_says_that_the_network_is_off_without(
    open_spawner: Spawner, profile: Profile, index: Index, tool: str
) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    if open_spawner.tier == "kernel" and tool in ("pip", "npm"):
        pytest.skip("seconds of start-up for the same variables and sockets as the other tools")
    script = SCRIPTS[tool].format(at=index.at, host=INDEX)
    environment = {"PATH": f"/root/.cargo/bin:{Path(shutil.which(tool) or '').parent}:/usr/bin:/bin"}
    profile = replace(profile, environment=environment)

    index.asked.clear()
    connections: list[Connection] = []
    text, outcome = await _run(open_spawner, profile, script, connections)
    assert outcome.exit_code not in (0, None), text
    assert (index.asked, connections) == ([], [])
    told = [d for d in outcome.denials if d.kind == "host"]
    assert any("the network is off" in d.detail for d in told), (text, outcome.denials)
    assert any("--allow-host" in d.remedy for d in told)

    shutil.rmtree(profile.workspace)
    profile.workspace.mkdir()
    granted = replace(profile, network=Network("hosts", (index.at,)))
    text, outcome = await _run(open_spawner, granted, script, connections)
    assert outcome.exit_code == 0, (text, outcome.denials, index.asked, connections)
    assert set(index.asked) == {index.at}
    assert {(c.host, c.allowed) for c in connections} == {(INDEX, True)}


async def test_another_host_than_the_granted_one_is_named(
    open_spawner: Spawner, profile: Profile, index: Index
) -> None:
    granted = replace(profile, network=Network("hosts", (index.at,)))
    text, outcome = await _run(open_spawner, granted, "curl -sS -f -m 20 http://other.test/", [])
    assert outcome.exit_code == 22, text
    (told,) = [d for d in outcome.denials if d.layer == "proxy"]
    assert "other.test:80" in told.detail
    assert "--allow-host other.test:80" in told.remedy


async def test_a_program_that_does_not_use_the_proxy_hears_that_it_is_the_only_way(
    open_spawner: Spawner, profile: Profile, index: Index
) -> None:
    index.asked.clear()
    granted = replace(profile, network=Network("hosts", (index.at,)))
    program = f"import socket; socket.create_connection(('127.0.0.1',{index.server_port}),5)"
    _text, outcome = await _run(open_spawner, granted, f'env -i python3 -c "{program}"', [])
    assert outcome.exit_code == 1
    if open_spawner.tier == "kernel":
        assert any("only the proxy in HTTP_PROXY" in d.detail for d in outcome.denials), outcome.denials
    assert index.asked == []


async def test_a_host_that_is_tried_again_and_again_is_one_refusal_with_a_count(
    open_spawner: Spawner, profile: Profile
) -> None:
    granted = replace(profile, network=Network("hosts", ("good.test",)))
    script = "for i in 1 2 3; do curl -s -o /dev/null http://evil.test/; done"
    told: list[Denial] = []
    connections: list[Connection] = []
    grant = grant_for(granted, "bash", "-c", script)
    flight = await open_spawner.run(grant, connected=connections.append, notice=told.append)
    async for _ in flight.output():
        pass
    (refused,) = (await flight.wait()).denials
    assert (refused.count, refused.detail) == (3, told[0].detail)
    assert len(told) == 1 and "evil.test:80" in told[0].detail
    assert len(connections) == 3
