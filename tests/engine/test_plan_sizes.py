"""What a plan says of the size of a user's own model and data, without reading the data."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from critlab.engine.planning.plan import plan
from critlab.engine.planning.retention import HEADER_BYTES, built_bytes, state_bytes
from critlab.store import Store
from studies import small

OWN = """
import numpy as np
import torch
from torch import nn
from critlab.data import DataFacts, DataSet

def net(example_shape, classes, width=5):
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(example_shape)), width), nn.Linear(width, classes))

def needs_memory(example_shape, classes):
    made = net(example_shape, classes)
    float(made[1].weight.detach().sum())
    return made

class Stripes(DataSet):
    name = "stripes"
    facts = DataFacts(title="stripes", shape=(1, 8, 8), classes=2, train=60, test=20, licence="free to use")

    def load(self, folder):
        raise AssertionError("a plan reads no data")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan_sizes_own.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "plan_sizes_own", raising=False)


def test_the_model_of_a_user_is_built_without_memory(own: None, tmp_path: Path) -> None:
    study = small(model={"name": "plan_sizes_own:net", "width": 3})
    assert state_bytes(study) is None
    made = plan(study, Store(tmp_path / "store"), workers=1)
    numbers = 28 * 28 * 3 + 3 + 3 * 10 + 10
    size = built_bytes(study, (1, 28, 28), 10, memory=False)
    assert size == 4 * numbers * 2 + HEADER_BYTES
    assert made.bytes is not None
    assert made.bytes > size
    assert built_bytes(study, (1, 28, 28), 10, memory=True) == size


def test_data_of_a_user_that_declare_their_shape_give_a_size(own: None, tmp_path: Path) -> None:
    study = small(data={"name": "plan_sizes_own:Stripes", "pad": 2}, model={"name": "plan_sizes_own:net"})
    wider = small(data={"name": "plan_sizes_own:Stripes", "pad": 4}, model={"name": "plan_sizes_own:net"})
    sizes = [plan(one, Store(tmp_path / "store"), workers=1).bytes for one in (study, wider)]
    assert sizes[0] is not None
    assert sizes[1] is not None
    assert sizes[1] > sizes[0]


def test_a_model_that_needs_memory_is_left_to_measure(own: None, tmp_path: Path) -> None:
    study = small(model={"name": "plan_sizes_own:needs_memory"})
    assert plan(study, Store(tmp_path / "store"), workers=1).bytes is None
    assert built_bytes(study, (1, 28, 28), 10, memory=True) > HEADER_BYTES
