"""Which states keep their checkpoint when their epoch is over."""

from __future__ import annotations

from contextlib import nullcontext

from critlab.deficits.input_form import UNIT
from critlab.study.runs.tree import ROOT, Tree
from critlab.study.study import Setup

HEADER_BYTES = 4096
BUDGET_BYTES = 2 * 1024**3
"""Up to this much, a study keeps every state, so that new measures and new removal epochs cost no replay."""


def state_bytes(base: Setup) -> int | None:
    """Bytes of one checkpoint, in closed form; None where only a user's function knows."""
    shape, sizes = base.data.shape(), base.data.sizes()
    if shape is None or sizes is None:
        return None
    parameters = base.model.parameters(shape, known_outputs(base, sizes.classes))
    if parameters is None:
        return None
    return 4 * parameters * (1 + _moments(base)) + HEADER_BYTES


def known_outputs(base: Setup, classes: int) -> int:
    """The width of the head on data that are known without reading them, whose labels are class numbers."""
    heads = base.data.label_heads() or 1
    return base.task.outputs(classes, () if heads == 1 else (heads,), base.data.form() or UNIT)


def built_bytes(base: Setup, example_shape: tuple[int, ...], outputs: int, *, memory: bool) -> int:
    """Bytes of one checkpoint of a model without a closed form, counted on the model itself; needs torch.

    Args:
        base: whose model it is.
        example_shape: of one example, after padding.
        outputs: the width of the head.
        memory: whether the model takes memory; else it is built on the meta device, which some models refuse.

    Raises:
        StudyError: the model cannot be built.
    """
    import torch

    with nullcontext() if memory else torch.device("meta"):
        model = base.model.build(example_shape, outputs)
    stored = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    trained = sum(value.numel() * value.element_size() for value in model.parameters() if value.requires_grad)
    return int(stored + _moments(base) * trained) + HEADER_BYTES


def _moments(base: Setup) -> int:
    """How many numbers the optimiser and an average of the weights keep for each weight."""
    return base.optimizer.options.moments(base.optimizer.momentum) + (base.evaluation.ema is not None)


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
