"""Whether files of /etc say what their Debian package published: then everybody knows what a run could read there.

For configuration that tools need and in which people may write passwords or keys. Elsewhere than on Debian and its
kin, and where a person changed anything, the answer is no.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

RECORDS = (Path("/var/lib/dpkg/status"), Path("/var/lib/ucf/hashfile"))
"""Where dpkg (deb-conffiles(5)) and ucf(1) keep the MD5 of what they installed; each belongs to root."""

_MOST_FILES = 200


def as_published(places: Iterable[Path], records: Iterable[Path] = RECORDS) -> tuple[str, ...]:
    """Those of `places`, files or folders, that exist and in which every file is as its package published it."""
    there = [place for place in places if place.exists()]
    known = frozenset(_lines(records)) if there else frozenset[bytes]()
    return tuple(str(place) for place in there if _is_known(place, known))


def _lines(records: Iterable[Path]) -> Iterator[bytes]:
    for record in records:
        try:
            yield from (line for line in record.read_bytes().split(b"\n") if b"/etc/" in line)
        except OSError:
            continue


def _is_known(place: Path, known: frozenset[bytes]) -> bool:
    try:
        files = [one.resolve(strict=True) for one in (place.rglob("*") if place.is_dir() else [place])]
        return len(files) <= _MOST_FILES and all(_is_listed(one, known) for one in files if not one.is_dir())
    except OSError:
        return False


def _is_listed(file: Path, known: frozenset[bytes]) -> bool:
    # MD5 is what both keep; whoever could write a file that collides is root already.
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    return f" {file} {digest}".encode() in known or f"{digest}  {file}".encode() in known
