"""What a study may ask of its data, answered without torch and without the data on disk."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from critlab._core.errors import StudyError
from critlab.data import DATA
from critlab.data.data_set import DataSet
from critlab.data.spec import DataSpec, Sizes


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"name": "cifar11"}, r"name: unknown data set, received 'cifar11'; did you mean 'cifar10'\?"),
        ({"name": "cifar10", "train": 50_001}, r"train: received 50,001; must be at most 50,000"),
        ({"name": "sample", "test": 4_001}, r"test: received 4,001; must be at most 4,000"),
        ({"name": "mnist", "train": 100, "epoch": 101}, r"epoch: received 101; .*train, which is 100"),
        ({"name": "mnist", "epoch": 60_001}, r"epoch: received 60,001; .*train, which is 60,000"),
        ({"name": "my.data:f", "train": 10, "epoch": 11}, r"epoch: received 11"),
        ({"name": "mnist", "train": 0}, r"train: received 0"),
        ({"name": "mnist", "epoch": 0}, r"epoch: received 0"),
        ({"name": "mnist", "pad": -1}, r"pad: received -1"),
        ({"name": "mnist", "train": 10.0}, r"train: received 10\.0"),
        ({"name": "mnist", "train": True}, r"train: received True"),
        ({"name": "mnist", "trian": 3}, r"trian: unknown key.*did you mean 'train'"),
        ({"train": 3}, r"name: required"),
    ],
)
def test_a_mistake_is_named(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        DataSpec.read(raw, "study.toml")


def test_sizes_are_known_without_the_data() -> None:
    spec = DataSpec(name="sample", train=4_000, epoch=500, pad=2)
    assert spec.shape() == (1, 32, 32)
    assert spec.sizes() == Sizes(classes=10, train=4_000, test=4_000, epoch=500)
    assert DataSpec(name="cifar100").sizes() == Sizes(classes=100, train=50_000, test=10_000, epoch=50_000)
    assert DataSpec(name="my.data:f", train=3).sizes() is None
    assert DataSpec(name="my.data:f", pad=1).shape() is None


def test_what_is_not_said_stays_out_of_the_name() -> None:
    assert DataSpec(name="mnist").identity() == {"name": "mnist"}
    assert DataSpec(name="mnist", train=5, pad=2).identity() == {"name": "mnist", "train": 5, "pad": 2}


@pytest.mark.parametrize("name", list(DATA))
def test_every_row_is_described_and_leads_to_its_reader(name: str) -> None:
    row = DATA.find(name)
    assert row.citation
    assert row.facts.licence if row.facts else row.model_fields
    assert row.load is not DataSet.load


@pytest.mark.slow
def test_neither_torch_nor_scipy_is_imported() -> None:
    program = """
import sys
from critlab.data import load
from critlab.data.spec import DataSpec
assert "numpy" not in sys.modules
DataSpec(name="sample", train=20).sizes()
assert "numpy" not in sys.modules
load(DataSpec(name="sample", train=20, test=20))
for name in ("torch", "scipy", "pooch", "requests"):
    assert name not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", program], check=True)
