"""Partial information where the truth is known: gates, copies, and what must hold for every table."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.measures.units.partial_information import (
    PartialInformation,
    minimum_mutual_information,
    mutual_information,
    partial_information,
)


def gate(answer: dict[tuple[int, int], int]) -> Tensor:
    """The table of a gate whose inputs are equally likely."""
    joint = torch.zeros(max(answer.values()) + 1, 2, 2)
    for (a, b), y in answer.items():
        joint[y, a, b] = 1
    return joint


PAIRS = list(itertools.product((0, 1), repeat=2))
XOR = gate({(a, b): a ^ b for a, b in PAIRS})
AND = gate({(a, b): a & b for a, b in PAIRS})
COPY = gate({(a, b): 2 * a + b for a, b in PAIRS})
ONE = gate({(a, b): a for a, b in PAIRS})
SAME = torch.stack([torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])])
ENTROPY_OF_AND = 2 - 0.75 * math.log2(3)


@pytest.mark.parametrize(
    ("joint", "parts"),
    [
        (XOR, (0, 0, 0, 1)),
        (COPY, (0, 1, 1, 0)),
        (ONE, (0, 1, 0, 0)),
        (SAME, (1, 0, 0, 0)),
        # Bertschinger et al. 2014, table 1: AND has no unique part, 0.311 redundant and 0.5 synergistic
        (AND, (ENTROPY_OF_AND - 0.5, 0, 0, 0.5)),
    ],
    ids=["XOR", "COPY", "UNIQUE", "SAME", "AND"],
)
def test_the_known_gates(joint: Tensor, parts: tuple[float, ...]) -> None:
    found = partial_information(joint * 3)
    assert (found.redundant, found.unique_a, found.unique_b, found.synergistic) == pytest.approx(parts, abs=1e-8)


def test_sums_of_gates_sum_their_parts() -> None:
    """Two independent problems side by side: an XOR of one bit each, and a bit that both sources share."""
    joint = torch.einsum("yab,zcd->yzacbd", XOR, SAME).reshape(4, 4, 4)
    found = partial_information(joint)
    assert (found.redundant, found.unique_a, found.unique_b, found.synergistic) == pytest.approx((1, 0, 0, 1), abs=1e-8)


tables = st.lists(st.floats(0.01, 1), min_size=12, max_size=12).map(lambda v: torch.tensor(v).reshape(3, 2, 2))


@pytest.mark.slow
@settings(max_examples=30)
@given(tables)
def test_the_parts_are_none_negative_and_add_up(joint: Tensor) -> None:
    found = partial_information(joint)
    p = joint.double() / joint.double().sum()
    for part in (found.redundant, found.unique_a, found.unique_b, found.synergistic):
        assert part >= -1e-5
    assert found.total == pytest.approx(mutual_information(p.flatten(1)), abs=1e-9)
    assert found.redundant + found.unique_a == pytest.approx(mutual_information(p.sum(2)), abs=1e-9)
    assert found.redundant + found.unique_b == pytest.approx(mutual_information(p.sum(1)), abs=1e-9)
    swapped = partial_information(joint.mT)
    assert swapped.unique_a == pytest.approx(found.unique_b, abs=1e-5)


@settings(max_examples=15)
@given(tables)
def test_no_other_distribution_has_less_information(joint: Tensor) -> None:
    """Two binary sources: for each y the margins leave one free number, so a grid is a proof up to its step."""
    p = joint.double() / joint.double().sum()
    union = mutual_information(p.flatten(1)) - partial_information(joint).synergistic
    steps = torch.linspace(0, 1, 41, dtype=torch.float64)
    corners = []
    for table in p:
        a, b, mass = table.sum(1)[0], table.sum(0)[0], table.sum()
        low, high = max(0.0, float(a + b - mass)), float(min(a, b))
        first = low + steps * (high - low)
        corners.append(torch.stack([first, a - first, b - first, mass - a - b + first], 1).clamp(min=0))
    grid = torch.stack([torch.stack(rows) for rows in itertools.product(*(c[::4] for c in corners))])
    apart = grid.sum(2, keepdim=True) * grid.sum(1, keepdim=True)
    least = torch.where(grid > 0, grid * (grid / apart).log2(), 0.0).sum((1, 2)).min()
    assert union <= float(least) + 1e-6


def test_minimum_mutual_information() -> None:
    assert minimum_mutual_information(0.5, 0.2, 1.5) == PartialInformation(0.2, 0.3, 0.0, 1.0)
    found = minimum_mutual_information(0.1, 0.4, 0.3)
    assert found.total == pytest.approx(0.3)
    assert found.synergistic < 0


@pytest.mark.parametrize("joint", [torch.zeros(2, 2, 2), torch.ones(2, 2), -XOR, XOR / 0])
def test_refusals(joint: Tensor) -> None:
    with pytest.raises(StudyError, match="must be \\(values of Y, of A, of B\\)"):
        partial_information(joint)
