"""The benchmark's plain loop trains what critlab trains, and its yardsticks measure what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from critlab.data import load
from critlab.deficits.images.blur import blur
from critlab.report.documents.study_text import study_text
from paths import BENCHMARKS
from studies import small

pytestmark = pytest.mark.slow  # every test trains in worker processes, or with the trainer of another package


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_the_plain_transforms_are_critlabs() -> None:
    from plain_loop import Transformed, blurred

    image = torch.rand(3, 12, 12)
    torch.testing.assert_close(blurred(image, 4), blur(image[None], 4)[0], rtol=1e-5, atol=1e-6)
    images = load(small().data)
    plain, label = Transformed(images, flip=False, shift=0, blur=1)[5]
    expected = (torch.from_numpy(images.train_images[5]) / 255 - float(images.mean[0])) / float(images.std[0])
    torch.testing.assert_close(plain, expected)
    assert label == images.train_labels[5]
    moved = Transformed(images, flip=True, shift=2, blur=1)
    seen = {tuple(moved[5][0].flatten().tolist()) for _ in range(40)}
    assert len(seen) > 20
    assert all(found[0].shape == plain.shape for found in (moved[1], moved[2]))


def test_the_plain_loop_learns(tmp_path: Path) -> None:
    study = small(
        seeds=1, model={"name": "mlp", "hidden": [32]}, sweep={"kind": "removal", "at": [0, 1], "recovery": 8}
    )
    path = tmp_path / "study.toml"
    path.write_text(study_text(study))
    command = [sys.executable, str(BENCHMARKS / "plain_loop.py"), str(path)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert [(run["at"], run["seed"], len(run["accuracy"])) for run in told["runs"]] == [(0, 0, 8), (1, 0, 9)]
    assert all(run["accuracy"][-1] > 0.2 for run in told["runs"]), "chance is 0.1"


def test_flops_in_closed_form() -> None:
    from machine import training_flops

    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(144, 5))
    convolution, linear = 2 * 36 * 4 * 27, 2 * 144 * 5
    # nothing needs the images' gradient
    assert training_flops(model, (3, 6, 6)) == 2 * convolution + 3 * linear


def test_the_peak_is_a_rate_of_this_machine() -> None:
    from machine import described, matmul_peak

    assert 1e8 < matmul_peak("float32", (128,)) < 1e14
    assert described()["torch"] == torch.__version__


@pytest.mark.parametrize("shape", ["seeds", "arms", "points"])
def test_a_store_of_made_up_numbers_is_a_finished_study(tmp_path: Path, shape: str) -> None:
    from growth import fill, study_of

    from critlab.analysis.tables.reading import read_results
    from critlab.engine.maintenance.verify import verify
    from critlab.store import Store

    study, store = study_of(shape, 3), Store(tmp_path / "store")
    assert fill(study, store) == sum(1 for _ in store.names("epochs")) + sum(1 for _ in store.names("readings")) + 1
    assert {outcome.status for outcome in read_results(study, store).outcomes} == {"done"}
    found = verify(store, study)
    assert not found.wrong
    assert not found.missing
