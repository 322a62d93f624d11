"""Parts of a study for job arrays: which states of which seeds part k of n makes, from the study alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab.study.runs.tree import ROOT, Tree

MOST_PARTS = 1_000_000

_WRITTEN = re.compile(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*")


class Part(NamedTuple):
    """Part ``number`` of ``of``, counted from 1."""

    number: int
    of: int

    @classmethod
    def read(cls, text: object, field: str = "--part") -> Part:
        """The part that ``text`` says, such as ``1/4``; a part is given back as it is.

        Raises:
            StudyError: it says none.
        """
        if isinstance(text, Part):
            return text
        found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
        number, count = (int(one) for one in found.groups()) if found else (0, 0)
        if not 1 <= number <= count <= MOST_PARTS:
            raise StudyError(f"{field}: received {shown(text)}; must be K/N with K from 1 to N, such as 1/4")
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def paths(self, tree: Tree, seeds: Sequence[int]) -> dict[int, frozenset[str]]:
        """The paths of the states that this part makes, by seed; with each path, all paths above it.

        Seeds are divided first, in turn: with at most as many parts as seeds, no two parts share a seed. Where there
        are more, the branches of a seed are divided among its parts. These are whole branches of the untrained network
        as long as there are enough, so that no epoch belongs to two parts. Otherwise the largest branch is cut at its
        first fork, and the epochs before the fork belong to each part that has a branch behind it.

        Args:
            tree: the study's tree.
            seeds: the study's seeds, in order.
        """
        whole = frozenset(tree.nodes)
        if self.of <= len(seeds):
            return dict.fromkeys(seeds[self.number - 1 :: self.of], whole)
        turn, place = divmod(self.number - 1, len(seeds))
        sharing = len(range(place, self.of, len(seeds)))
        mine = _divided(tree, sharing)[turn]
        return {seeds[place]: mine} if mine else {}


class Share(NamedTuple):
    """What a part has of a study.

    Args:
        part: which.
        seeds: those of which it has states.
        runs: how many ends of runs it has of one seed.
        of_runs: how many a seed has.
        epochs: that it needs, each once.
        of_epochs: of the study.
    """

    part: Part
    seeds: tuple[int, ...]
    runs: int
    of_runs: int
    epochs: int
    of_epochs: int


def share(part: Part, tree: Tree, seeds: Sequence[int]) -> Share:
    """What ``part`` has of the study with this tree and these seeds."""
    paths = part.paths(tree, seeds)
    ends, some = set(tree.ends.values()), next(iter(paths.values()), frozenset[str]())
    epochs = sum(len(mine - {ROOT}) for mine in paths.values())
    return Share(part, tuple(paths), len(ends & some), len(ends), epochs, tree.epochs * len(seeds))


def _divided(tree: Tree, count: int) -> list[frozenset[str]]:
    """The tree in ``count`` parts, each closed upwards; of as equal size as its branches allow, some may be empty."""
    below = _epochs_below(tree)
    tops = _tops(tree, count, below)
    used = min(count, len(tops))
    closed = {top: frozenset([*tree.upwards(top), *_downwards(tree, top)]) for top in tops}
    parts: list[frozenset[str]] = [frozenset()] * count
    for top in sorted(tops, key=lambda one: -below[one]):  # the sort is stable: equal ones stay in the tree's order
        place = min(range(used), key=lambda one: len(parts[one] | closed[top]))
        parts[place] |= closed[top]
    return parts


def _tops(tree: Tree, count: int, below: Mapping[str, int]) -> list[str]:
    """The first paths of at least ``count`` branches, where there are so many: those with most epochs are cut first."""
    tops = list(tree.nodes[ROOT].children)
    while len(tops) < count:
        forks = {top: fork for top in tops if (fork := _first_fork(tree, top)) is not None}
        if not forks:
            break
        largest = max(forks, key=lambda top: below[top])
        at = tops.index(largest)
        tops[at : at + 1] = tree.nodes[forks[largest]].children
    return tops


def _first_fork(tree: Tree, top: str) -> str | None:
    """The first path from ``top`` on below which there is more than one branch."""
    at = top
    while len(tree.nodes[at].children) == 1:
        at = tree.nodes[at].children[0]
    return at if tree.nodes[at].children else None


def _epochs_below(tree: Tree) -> dict[str, int]:
    """For each path the number of paths of its branch, itself counted."""
    found = dict.fromkeys(tree.nodes, 1)
    for path in reversed(tree.nodes):
        parent = tree.nodes[path].parent
        if parent is not None:
            found[parent] += found[path]
    return found


def _downwards(tree: Tree, top: str) -> Iterator[str]:
    left = [top]
    while left:
        path = left.pop()
        yield path
        left += tree.nodes[path].children


def within(paths: Mapping[int, Collection[str]] | None, seed: int, tree: Tree) -> Iterable[str]:
    """The paths of ``tree`` that belong to ``seed``, parents first; all where there are no parts."""
    if paths is None:
        return tree.nodes
    mine = paths.get(seed, ())
    return (path for path in tree.nodes if path in mine)
