"""Runs laid into a trie: what they share is there once, whatever the order in which they were named.

A node is the state after some epochs, named by its path alone: ``path(0)`` is empty and ``path(k + 1) = H(path(k),
recipe(k))``. The path holds no seed, so one tree serves all seeds.

A frozen epoch trains nothing, so its state is the one before it and it has no node: it only extends the path, and the
next node counts it in its ``epoch`` and in ``frozen``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from critlab._core.user_code.identity import NOTHING
from critlab.study.ingredients.measurement import convergence_window
from critlab.study.runs.recipe import FROZEN_EPOCH, Recipe, recipe_digest, recipes

if TYPE_CHECKING:
    from critlab.study.study import Study

ROOT = ""


def extended(path: str, recipe: str) -> str:
    """The path of the state that a recipe makes of the state at ``path``, by the recipe's digest (64 characters)."""
    return hashlib.sha256(f"{path}+{recipe}".encode()).hexdigest()


def after_frozen(path: str, epochs: int) -> str:
    """The path after so many frozen epochs; ``path`` itself for 0."""
    for _ in range(epochs):
        path = extended(path, recipe_digest(FROZEN_EPOCH))
    return path


@dataclass
class Node:
    """The state after some epochs.

    Args:
        path: its name.
        parent: the path before the last epoch; None at the root.
        epoch: how many epochs there were.
        recipe: of the last epoch; None at the root.
        frozen: how many frozen epochs lie between ``parent`` and the last one; ``epoch`` counts them.
        children: the paths after one more epoch.
        ends: whether some run ends here.
        final: whether the test here is part of some run's final accuracy.
        tested: whether a test is due here, however rarely networks are tested otherwise.
    """

    path: str
    parent: str | None
    epoch: int
    recipe: Recipe | None
    frozen: int = 0
    children: list[str] = field(default_factory=list)
    ends: bool = False
    final: bool = False
    tested: bool = False


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs between two stored states: every path after ``start``, up to the last."""

    start: str
    paths: tuple[str, ...]


class Tree:
    """The trie of a study's runs.

    ``nodes`` maps each path to its node, parents before children; ``ends`` maps each run's name to its last path.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {ROOT: Node(ROOT, None, 0, None)}
        self.ends: dict[str, str] = {}

    def add(
        self,
        name: str,
        steps: Iterable[Recipe],
        adopted: Mapping[str, str] = NOTHING,
        final: Container[int] = (),
        tested: Container[int] = (),
    ) -> None:
        """Lays a run into the trie.

        Args:
            name: of the run.
            steps: its recipes.
            adopted: as in :func:`build`.
            final: the epochs whose tests make up its final accuracy, counted from 1.
            tested: further epochs that are always tested.
        """
        node, frozen = self.nodes[ROOT], 0
        for recipe in steps:
            if recipe.frozen:
                frozen += 1
                continue
            path = extended(after_frozen(node.path, frozen), recipe_digest(recipe, adopted))
            if path not in self.nodes:
                self.nodes[path] = Node(path, node.path, node.epoch + frozen + 1, recipe, frozen)
                node.children.append(path)
            node, frozen = self.nodes[path], 0
            # a state that several runs share counts where it counts for one of them
            node.final = node.final or node.epoch in final
            node.tested = node.tested or node.final or node.epoch in tested
        assert not frozen, "a frozen run recovers"
        node.ends = True
        self.ends[name] = node.path

    @property
    def epochs(self) -> int:
        """Epochs to train for one seed, each once."""
        return len(self.nodes) - 1

    def paths(self, name: str) -> list[str]:
        """The paths of a run's states, from the root to its end."""
        return list(self.upwards(self.ends[name]))[::-1]

    def upwards(self, path: str) -> Iterator[str]:
        """``path`` and the paths above it, up to the root."""
        at: str | None = path
        while at is not None:
            yield at
            at = self.nodes[at].parent

    def is_cut(self, path: str) -> bool:
        """Whether a stage ends at ``path``: where runs part, or where one of them ends."""
        node = self.nodes[path]
        return node.ends or len(node.children) != 1

    def stages(self) -> Iterator[Stage]:
        """The stretches between cuts; together they hold every epoch once."""
        for node in list(self.nodes.values()):
            if node.path != ROOT and not self.is_cut(node.path):
                continue
            for child in node.children:
                stretch = [child]
                while not self.is_cut(stretch[-1]):
                    stretch.append(self.nodes[stretch[-1]].children[0])
                yield Stage(node.path, tuple(stretch))


def build(study: Study, adopted: Mapping[str, str] = NOTHING) -> Tree:
    """The tree of ``study``.

    Args:
        study: the question.
        adopted: digests of own code, and those by which the store has named it already.
    """
    tree, judged = Tree(), convergence_window(study)
    for run in study.runs:
        further = (judged.start,) if judged is not None and judged.run is run else ()
        tree.add(run.name, recipes(run, study), adopted, run.final_epochs(study.statistics.final_epochs), further)
    return tree
