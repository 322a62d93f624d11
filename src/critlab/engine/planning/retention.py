"""Which states keep their checkpoint when their epoch is over."""

from __future__ import annotations

from critlab.study.study import Setup
from critlab.study.tree import ROOT, Tree

BUDGET_BYTES = 2 * 1024**3
"""Up to this much, a study keeps every state, so that new measures and new removal epochs cost no replay."""


def state_bytes(base: Setup) -> int | None:
    """Bytes of one checkpoint, in closed form; None where only a user's function knows."""
    shape, sizes = base.data.shape(), base.data.sizes()
    if shape is None or sizes is None:
        return None
    parameters = base.model.parameters(shape, sizes.classes)
    if parameters is None:
        return None
    copies = 3 if base.optimizer.name == "adam" else 2 if base.optimizer.momentum else 1
    return 4 * parameters * copies + 4096


def retained_paths(tree: Tree, seeds: int, size: int | None, budget: int = BUDGET_BYTES) -> frozenset[str]:
    """The paths whose checkpoints stay: as many as the budget holds, and never fewer than the cuts.

    The cuts are where runs part or end. The trunks are all states on the way to a parting: where a new removal epoch
    would branch off. Where the size is unknown, the trunks are kept.

    Args:
        tree: the study's tree.
        seeds: how many seeds.
        size: bytes of one checkpoint.
        budget: bytes that may be kept beyond the cuts.
    """
    everything = frozenset(path for path in tree.nodes if path != ROOT)
    if size is not None and size * len(everything) * seeds <= budget:
        return everything
    cuts = frozenset(path for path in everything if tree.is_cut(path))
    trunks = cuts | _trunks(tree)
    return trunks if size is None or size * len(trunks) * seeds <= budget else cuts


def _trunks(tree: Tree) -> frozenset[str]:
    found: set[str] = set()
    for node in tree.nodes.values():
        if len(node.children) > 1:
            for path in tree.upwards(node.path):
                if path in found:
                    break
                found.add(path)
    return frozenset(found - {ROOT})
