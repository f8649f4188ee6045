"""Folders that ordinary tools need to read: the system's by name, toolchains in the home folder by enumeration.

Never a whole home folder, nor the parent of a PATH entry: `~/bin` in PATH would open all of it.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
from pathlib import Path

from vtcode_tui.sandbox.inner import mounts
from vtcode_tui.sandbox.published import as_published

SYSTEM = tuple(path for path in mounts.SYSTEM if path != "/etc")
MERGED = ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")
KERNEL_FILES = (
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
    "/sys/fs/cgroup",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom")

_ETC = """
ld.so.cache ld.so.conf ld.so.conf.d ld.so.preload nsswitch.conf passwd group localtime timezone inputrc gitconfig
gitattributes ssl/openssl.cnf ssl/certs ssl/cert.pem host.conf hosts resolv.conf gai.conf protocols services
networks rpc ethertypes netconfig hostname default/locale locale.conf locale.alias login.defs alternatives
os-release debian_version lsb-release redhat-release fedora-release alpine-release ca-certificates
ca-certificates.conf pki/tls pki/ca-trust crypto-policies mime.types magic magic.mime terminfo bash.bashrc bashrc
profile profile.d shells zsh python3 python3.11 python3.12 python3.13 python3.14 java-8-openjdk java-11-openjdk
java-17-openjdk java-21-openjdk java-25-openjdk java dotnet mono perl maven/m2.conf maven/logging
postgresql-common/user_clusters nginx/mime.types openmpi lcovrc R texmf texlive xml sgml groff xattr.conf screenrc
tmux.conf xdg/mimeapps.list xdg/menus xdg/user-dirs.conf xdg/user-dirs.defaults xdg/QtProject.conf xdg/kdeglobals
fonts gtk-2.0 gtk-3.0 gtk-4.0 X11/rgb.txt X11/app-defaults glvnd vulkan OpenCL drirc vdpau_wrapper.cfg alsa
asound.conf pulse/client.conf openal chromium firefox firefox-esr libreoffice papersize libpaper.d vim nanorc
emacs gdb ImageMagick-6 ImageMagick-7 mke2fs.conf manpath.config skel matplotlibrc
"""
ETC = tuple(f"/etc/{name}" for name in _ETC.split())
"""Files of /etc that tools read; not among them shadow, sudoers, ssh, pam.d, environment, machine-id, docker."""

_PUBLISHED = """
chromium.d maven/settings.xml maven/toolchains.xml php/*/cli php/*/mods-available wgetrc subversion mercurial
"""
"""Configuration that tools need and that may hold keys: given as long as it is what a package published."""

_HOME = """
.cargo/bin .cargo/env .cargo/registry .cargo/git .rustup .pyenv .nvm .volta .bun/bin .deno/bin .asdf .sdkman
.rbenv .goenv .nodenv .jenv .ghcup/bin .local/bin .local/lib .local/pipx .local/share/uv .local/share/mise
.local/share/pipx .local/share/fnm .local/share/pnpm go/bin go/pkg/mod .m2/repository .gradle/wrapper .npm-global
.nix-profile .juliaup .opam .elan .swiftly miniconda3 anaconda3 .conda/pkgs
"""
_IN_HOME = tuple(_HOME.split())


@functools.lru_cache(maxsize=1)
def existing_system() -> tuple[str, ...]:
    """The system's folders that this machine has; a link whose target is listed needs no rule of its own."""
    return tuple(path for path in (*SYSTEM, *MERGED) if Path(path).is_dir() and not Path(path).is_symlink())


@functools.lru_cache(maxsize=1)
def etc() -> tuple[str, ...]:
    """What every run may read in /etc, whether this machine has it or not."""
    return (*ETC, *as_published(place for name in _PUBLISHED.split() for place in Path("/etc").glob(name)))


@functools.lru_cache(maxsize=1)
def existing_files() -> tuple[str, ...]:
    """The system's readable files that this machine has."""
    return tuple(path for path in (*etc(), *KERNEL_FILES) if Path(path).exists())


@functools.lru_cache(maxsize=8)
def in_home(home: Path) -> tuple[Path, ...]:
    """The toolchains of this home folder, with links resolved; a link that leads to the whole home is left out."""
    found = []
    for name in _IN_HOME:
        path = home / name
        if not path.exists():
            continue
        for place in (path, path.resolve()):
            if not home.is_relative_to(place) and place not in found:
                found.append(place)
    return tuple(found)


@functools.lru_cache(maxsize=1)
def interpreter() -> tuple[Path, ...]:
    """Where this Python, its packages and vtcode itself lie."""
    package = Path(__file__).resolve().parents[1]
    paths = sysconfig.get_paths()
    folders = [Path(sys.base_prefix), Path(sys.prefix), Path(paths["purelib"]), Path(paths["platlib"]), package]
    kept: list[Path] = []
    for folder in folders:
        if folder.exists() and not any(folder.is_relative_to(root) for root in (*kept, *map(Path, SYSTEM))):
            kept.append(folder)
    return tuple(kept)


@functools.lru_cache(maxsize=8)
def everywhere(home: Path) -> tuple[Path, ...]:
    """What every run may read besides the system."""
    return tuple(dict.fromkeys([*in_home(home), *interpreter()]))


@functools.lru_cache(maxsize=1)
def module_search() -> tuple[str, ...]:
    """Where workers find modules besides the standard library: vtcode's parent folder and its dependencies."""
    paths = sysconfig.get_paths()
    parent = str(Path(__file__).resolve().parents[2])
    return tuple(dict.fromkeys([parent, paths["purelib"], paths["platlib"]]))
