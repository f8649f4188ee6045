"""Fuzzy search over paths: type a few letters of a name, some of its folders, or the name with a typo in it.

A query is split at blanks; every word must be found. A word is found in a path when its letters stand in it in
order (a longest common subsequence as long as the word: rapidfuzz in C), and the paths that are left are scored by
where the letters stand: a run of letters, the start of a name, the start of a word within it, the base name. Where
few paths match, names that are near by spelling come after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, LCSseq

from vtcode_tui.code.listing import list_files

_CANDIDATES = 400
"""About how many paths are scored letter by letter."""
_FEW = 5
"""Below so many matches, a misspelt query is assumed."""
_SEPARATORS = frozenset("/._- ")


@dataclass(frozen=True, slots=True)
class Match:
    """A path, how well it fits (more is better), and the positions of the letters that were typed."""

    path: str
    score: float
    positions: tuple[int, ...] = ()


class Finder:
    """The paths of a workspace, ready to be searched. Relative paths only; nothing outside is ever listed."""

    def __init__(self, root: Path, paths: Iterable[str] | None = None) -> None:
        self.root = root
        self._paths: list[str] = list(list_files(root) if paths is None else paths)
        self._fold()

    def _fold(self) -> None:
        self._folded = [path.casefold() for path in self._paths]
        self._names = [path.rpartition("/")[2] for path in self._folded]
        self._last: tuple[str, list[int]] = ("", [])

    def __len__(self) -> int:
        return len(self._paths)

    def add(self, path: str) -> None:
        """A file has appeared."""
        if path not in self._paths:
            self._paths.append(path)
            self._folded.append(path.casefold())
            self._names.append(path.casefold().rpartition("/")[2])
            self._last = ("", [])

    def remove(self, path: str) -> None:
        """A file, or a folder with all in it, is gone."""
        kept = [p for p in self._paths if p != path and not p.startswith(f"{path}/")]
        if len(kept) != len(self._paths):
            self._paths = kept
            self._fold()

    def find(self, query: str, limit: int = 50) -> list[Match]:
        """The best matches, best first; an empty query gives the shallowest paths."""
        words = query.casefold().split()
        if not words:
            return [Match(p, 0.0) for p in nsmallest(limit, self._paths, key=lambda p: (p.count("/"), p))]
        indexes = self._filtered(words)
        self._last = (" ".join(words), indexes)
        scored = [match for index in self._narrow(words, indexes) if (match := self._score(index, words))]
        best = nsmallest(limit, scored, key=lambda m: (-m.score, len(m.path), m.path))
        if len(best) < min(_FEW, limit):
            best += self._misspelt(words, limit - len(best), {m.path for m in best})
        return best

    def _filtered(self, words: Sequence[str]) -> list[int]:
        query, found = self._last
        # While a query is being typed its matches are among those of what stood there before.
        narrower = bool(query) and len(words) == len(query.split()) and " ".join(words).startswith(query)
        indexes: list[int] | None = found if narrower else None
        for word in sorted(words, key=len, reverse=True):
            choices = self._folded if indexes is None else {index: self._folded[index] for index in indexes}
            hits = process.extract_iter(word, choices, scorer=LCSseq.similarity, score_cutoff=len(word))
            indexes = [index for _, _, index in hits]
        return indexes or []

    def _narrow(self, words: Sequence[str], indexes: list[int]) -> list[int]:
        if len(indexes) <= _CANDIDATES:
            return indexes
        # The names of which most was typed; and paths, for a last word that is spread over folders.
        names = {index: self._names[index] for index in indexes}
        half = _CANDIDATES // 2
        near = process.extract(words[-1], names, scorer=LCSseq.normalized_similarity, limit=half)
        paths = {index: self._folded[index] for index in indexes}
        joined = process.extract("/".join(words), paths, scorer=LCSseq.normalized_similarity, limit=half)
        return list(dict.fromkeys(index for _, _, index in (*near, *joined)))

    def _score(self, index: int, words: Sequence[str]) -> Match | None:
        path, folded = self._paths[index], self._folded[index]
        total, positions = 0.0, set[int]()
        for number, word in enumerate(words):
            found = _best_place(folded, word, in_name=number == len(words) - 1)
            if found is None:
                return None
            total += found[0]
            positions.update(found[1])
        return Match(path, total - len(path) * 0.02 - path.count("/") * 0.1, tuple(sorted(positions)))

    def _misspelt(self, words: Sequence[str], limit: int, known: set[str]) -> list[Match]:
        query = words[-1]
        if len(query) < 3 or limit <= 0:
            return []
        hits = process.extract(query, self._names, scorer=fuzz.ratio, score_cutoff=60, limit=limit * 4 + 50)
        folders = words[:-1]
        rows = []
        for name, ratio, index in hits:
            path = self._paths[index]
            if path in known or any(word not in self._folded[index] for word in folders):
                continue
            stem = name.partition(".")[0]
            near = max(OSA.normalized_similarity(query, stem), OSA.normalized_similarity(query, name))
            rows.append(Match(path, max(ratio / 100, near) - 1 - len(path) * 0.0005))
        return nsmallest(limit, rows, key=lambda m: (-m.score, m.path))


def _best_place(path: str, word: str, *, in_name: bool) -> tuple[float, list[int]] | None:
    """The better of two ways to place a word's letters: as far right as possible, or as one piece."""
    base = path.rfind("/") + 1
    best: tuple[float, list[int]] | None = None
    for positions in _placings(path, word, base):
        score = _worth(path, positions, base, in_name=in_name)
        if best is None or score > best[0]:
            best = (score, positions)
    return best


def _placings(path: str, word: str, base: int) -> Iterable[list[int]]:
    for start in (path.find(word, base), path.rfind(word), path.find(word)):
        if start >= 0:
            yield list(range(start, start + len(word)))
    if (backward := _backward(path, word)) is not None:
        yield backward
    if (forward := _forward(path, word, base)) is not None or (forward := _forward(path, word, 0)) is not None:
        yield forward


def _backward(path: str, word: str) -> list[int] | None:
    positions, at = [], len(path)
    for letter in reversed(word):
        at = path.rfind(letter, 0, at)
        if at < 0:
            return None
        positions.append(at)
    return positions[::-1]


def _forward(path: str, word: str, start: int) -> list[int] | None:
    """Prefers the start of a word within the name for each letter that does not continue a run."""
    positions: list[int] = []
    at = start
    for letter in word:
        if positions and path[at : at + 1] == letter:
            positions.append(at)
            at += 1
            continue
        place = path.find(letter, at)
        if place < 0:
            return None
        boundary = next((n for n in range(place, len(path)) if path[n] == letter and _starts(path, n)), -1)
        place = boundary if boundary >= 0 and boundary - place < 24 else place
        positions.append(place)
        at = place + 1
    return positions


def _starts(path: str, place: int) -> bool:
    return place == 0 or path[place - 1] in _SEPARATORS


def _worth(path: str, positions: Sequence[int], base: int, *, in_name: bool) -> float:
    score, before = 0.0, -2
    for place in positions:
        score += 1.0
        if place == before + 1:
            score += 1.0
        if _starts(path, place):
            score += 1.6 if place >= base else 1.0
        if place >= base and in_name:
            score += 0.6
        before = place
    first, last = positions[0], positions[-1]
    whole = last - first + 1 == len(positions)
    if whole and first == base:
        stem_ends = last + 1 == len(path) or path[last + 1] == "."
        score += 4.0 if stem_ends else 2.0
    elif whole and _starts(path, first) and (last + 1 == len(path) or path[last + 1] in _SEPARATORS):
        score += 2.0
    return score - (last - first + 1 - len(positions)) * 0.08
