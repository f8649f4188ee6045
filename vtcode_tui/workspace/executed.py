"""Which changed files some tool will run or obey by itself later, and what lies in a git folder of another name.

Protected files ask by name; what tools run by themselves is too common in ordinary work for that, so that it is
reported: on the change, and in its event.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache
from pathlib import Path

from vtcode_tui.workspace.overlay import Merged

_RUNNERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("npm, yarn and pnpm", ("package.json", "binding.gyp", ".pnp.cjs", ".pnp.loader.mjs", "pnpm-workspace.yaml")),
    ("pytest", ("conftest.py", "pytest.ini", "pytest.toml")),
    ("pip and other builders", ("setup.py", "setup.cfg", "pyproject.toml", "hatch_build.py", "build.py")),
    ("Python at its start", ("*.pth", "__main__.py", "manage.py")),
    ("tox and nox", ("tox.ini", "tox.toml", "noxfile.py", "tasks.py", "fabfile.py", "dodo.py")),
    ("make", ("Makefile", "makefile", "GNUmakefile", "*.mk", "configure", "configure.ac", "*.m4")),
    ("CMake, Meson and Bazel", (
        "CMakeLists.txt", "*.cmake", "CMakePresets.json", "meson.build", "WORKSPACE", "WORKSPACE.bazel",
        "MODULE.bazel", "BUILD", "BUILD.bazel", "*.bzl", "SConstruct", "SConscript", "wscript",
    )),
    ("just and task", ("justfile", "Justfile", ".justfile", "Taskfile.y*ml", "magefile.go")),
    ("cargo", ("build.rs", "Cargo.toml", "rust-toolchain", "rust-toolchain.toml")),
    ("go generate", ("generate.go", "tools.go")),
    ("Gradle, Maven and sbt", (
        "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "init.gradle", "gradlew",
        "mvnw", "pom.xml", "build.sbt", "*.csproj", "*.fsproj", "*.targets", "*.props", "Directory.Build.*",
    )),
    ("Ruby's tools", ("Rakefile", "Gemfile", "*.gemspec", "Guardfile", "Capfile", "Vagrantfile", ".rspec")),
    ("JavaScript tools", (
        "*.config.js", "*.config.cjs", "*.config.mjs", "*.config.ts", "*.config.mts", ".eslintrc.js",
        ".eslintrc.cjs", ".prettierrc.js", ".prettierrc.cjs", "gulpfile.*", "Gruntfile.*", ".babelrc.js",
        ".mocharc.*", "karma.conf.js",
    )),
    ("Docker and other containers", (
        "Dockerfile", "*.Dockerfile", "Containerfile", "docker-compose*.y*ml", "compose*.y*ml",
    )),
    ("nix", ("flake.nix", "shell.nix", "default.nix")),
    ("composer and mix", ("composer.json", "mix.exs", "rebar.config")),
    ("pre-commit in other repositories", (".pre-commit-hooks.yaml",)),
    ("Jupyter", ("ipython_config.py", "jupyter_*_config.py")),
)  # fmt: skip


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (who, re.compile("|".join(map(fnmatch.translate, names)), re.IGNORECASE)) for who, names in _RUNNERS
    )


def runs_by_itself(path: str) -> str:
    """Who runs or obeys the file at this path by itself; empty when nobody is known to."""
    name = path.rpartition("/")[2]
    return next((who for who, names in _table() if names.match(name)), "")


CONFIGURED = "your configuration (sandbox.runs_by_itself)"
"""Who runs a file that only the configuration names."""


def in_bare_repository(path: str, view: Merged) -> bool:
    """Whether git would obey this as configuration or a hook, in a folder that is a repository without the name.

    Git takes any folder with `HEAD`, `objects` and `refs` for a repository, however deep it lies.
    """
    parts = path.split("/")
    if len(parts) > 1 and parts[-1].casefold() in {"config", "config.worktree", "commondir"}:
        folders = ["/".join(parts[:-1])]
    else:
        folders = ["/".join(parts[:at]) for at, name in enumerate(parts[:-1]) if name.casefold() == "hooks" and at]
    return any(_is_repository(view.root / folder, view) for folder in folders)


def _is_repository(folder: Path, view: Merged) -> bool:
    return all(view.lookup(folder / name) is not None for name in ("HEAD", "objects", "refs"))
