"""Parts of a study: together they are the study, no two share a seed or a trunk where that can be avoided."""

from __future__ import annotations

import pytest

from critlab._core.errors import StudyError
from critlab.study.runs.parts import Part, share
from critlab.study.runs.tree import ROOT, Tree, build
from studies import small

TREE = build(small(sweep={"kind": "removal", "at": [0, 2, 4, 6, 8], "recovery": 3}))
SEEDS = (3, 5, 8)


def states(part: Part, tree: Tree = TREE) -> set[tuple[int, str]]:
    found = part.paths(tree, SEEDS)
    return {(seed, path) for seed, paths in found.items() for path in paths if path != ROOT}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 9, 14, 100])
def test_parts_together_are_the_study(count: int) -> None:
    parts = [Part(number, count) for number in range(1, count + 1)]
    every = [states(part) for part in parts]
    assert set().union(*every) == {(seed, path) for seed in SEEDS for path in TREE.nodes if path != ROOT}
    for part in parts:
        assert part.paths(TREE, SEEDS) == Part(part.number, count).paths(TREE, SEEDS)
        for paths in part.paths(TREE, SEEDS).values():
            above = {TREE.nodes[path].parent for path in paths} - {None}
            assert above <= paths, "a part has all that its states begin at"
        assert share(part, TREE, SEEDS).epochs == len(states(part))


@pytest.mark.parametrize("count", [2, 3])
def test_seeds_are_divided_first(count: int) -> None:
    seeds = [set(Part(number, count).paths(TREE, SEEDS)) for number in range(1, count + 1)]
    assert sum(map(len, seeds)) == len(SEEDS)
    assert max(map(len, seeds)) - min(map(len, seeds)) <= 1


def test_no_epoch_belongs_to_two_parts_while_the_untrained_network_has_branches_enough() -> None:
    branches = len(TREE.nodes[ROOT].children)
    assert branches > 1
    count = branches * len(SEEDS)
    assert sum(len(states(Part(number, count))) for number in range(1, count + 1)) == TREE.epochs * len(SEEDS)
    more = [states(Part(number, count + len(SEEDS))) for number in range(1, count + len(SEEDS) + 1)]
    assert sum(map(len, more)) > TREE.epochs * len(SEEDS), "the largest branch is cut, and its trunk needed twice"
    assert max(map(len, more)) < max(len(states(Part(number, count))) for number in range(1, count + 1))


@pytest.mark.parametrize("text", ["5/4", "0/2", "1/0", "-1/2", "1", "1/2/3", "a/b", "", "1.5/2", 3, "1/9999999999"])
def test_what_is_no_part_is_refused_in_one_line(text: object) -> None:
    with pytest.raises(StudyError, match=r"^--part: received .*; must be K/N with K from 1 to N, such as 1/4$"):
        Part.read(text)


def test_a_part_is_read_from_what_it_writes() -> None:
    assert Part.read(" 2 / 3 ") == Part.read(f"{Part(2, 3)}") == Part.read(Part(2, 3)) == (2, 3)
